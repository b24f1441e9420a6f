import {
  type OmoiError,
  senderOfOrigin,
  wordsOf,
  type AppendOrigin,
  type Clock,
  type CommitResult,
  type Labels,
  type RefusedSamples,
  type SampleBatch,
  type SelfMetrics,
  noneRefused,
} from '#telemetry';
import type { ExemplarRing } from './exemplar-ring.ts';
import { ACCEPTED, DUPLICATE_TIMESTAMP, OUT_OF_ORDER, type Head } from './head/head.ts';
import { HAS_FLOATS, HAS_HISTOGRAMS, IS_LOGGED, IS_SUBSCRIBED } from './head/series-states.ts';
import type { SeriesIndex } from './index/series-index.ts';
import type { SeriesRow } from './index/series-rows.ts';
import type { TsdbLimits } from './limits.ts';
import type { LoggedExemplar } from './log/exemplar-json.ts';
import type { WriteAheadLog } from './log/write-ahead-log.ts';
import type { PendingNotices, Subscriptions } from './subscriptions.ts';

const STALE_HIGH_WORD = 0x7ff00000;
const STALE_LOW_WORD = 2;
/** Those that a series was taken over from are told apart by the hour, their newest samples by this, so that there are few. */
const HOUR_MS = 3_600_000;
const LAST_SAMPLE_STEP_MS = 60_000;
const DURABLE = Promise.resolve();

export interface CommitterParts {
  readonly clock: Clock;
  readonly limits: TsdbLimits;
  readonly index: SeriesIndex;
  readonly head: Head;
  readonly subscriptions: Subscriptions;
  readonly exemplars: ExemplarRing;
  /** Null where the store lives in memory only. */
  readonly writeAheadLog: WriteAheadLog | null;
  readonly selfMetrics: SelfMetrics;
}

/** The state of one commit. Listeners may commit from inside a commit, so each has its own. */
interface Unit {
  readonly batch: SampleBatch;
  readonly words: Uint32Array;
  readonly oldestMs: number;
  readonly furthestMs: number;
  readonly nowMs: number;
  /** The number of who sends it. */
  readonly sender: number;
  readonly refused: ReturnType<typeof noneRefused>;
  readonly pending: PendingNotices;
  accepted: number;
}

/** Takes units of samples in: checks, head, log, subscribers. Nothing is allocated for a sample that nobody awaits. */
export class Committer {
  readonly #parts: CommitterParts;
  readonly #acceptedCounter;
  readonly #refusedCounter;
  readonly #exemplarsDropped;

  constructor(parts: CommitterParts) {
    this.#parts = parts;
    this.#acceptedCounter = parts.selfMetrics.counter(
      'omoi_tsdb_samples_appended_total',
      'Samples taken in.',
    );
    this.#refusedCounter = parts.selfMetrics.counter(
      'omoi_tsdb_samples_refused_total',
      'Samples refused, by reason.',
    );
    this.#exemplarsDropped = parts.selfMetrics.counter(
      'omoi_tsdb_exemplars_dropped_total',
      'Exemplars with too long labels, of series that are gone or are another sender’s.',
    );
  }

  /** As the contract of `SampleSink.commit` says. */
  commit(batch: SampleBatch, origin: AppendOrigin): CommitResult {
    const { clock, limits, index, writeAheadLog, subscriptions } = this.#parts;
    const blockedBy = writeAheadLog?.blockedBy;
    if (blockedBy) return this.#refuseAll(batch, blockedBy);
    const nowMs = clock.wallMs();
    const unit: Unit = {
      batch,
      words: wordsOf(batch.values),
      oldestMs: origin.source === 'import' ? Number.NEGATIVE_INFINITY : nowMs - limits.headWindowMs,
      furthestMs: nowMs + limits.maxAheadMs,
      nowMs,
      sender: index.senders.begin(senderOfOrigin(origin)),
      refused: noneRefused(),
      pending: new Map(),
      accepted: 0,
    };
    for (let at = 0; at < batch.length; at++) this.#take(unit, at);
    if (batch.exemplars.length > 0) this.#takeExemplars(batch, unit.sender);
    index.senders.end(unit.sender);
    writeAheadLog?.commits.end();
    this.#acceptedCounter.add(unit.accepted);
    if (unit.accepted < batch.length) this.#countRefused(unit.refused);
    if (unit.pending.size > 0) subscriptions.deliver(unit.pending, origin);
    const { accepted, refused } = unit;
    return { accepted, refused, durable: () => writeAheadLog?.durable() ?? DURABLE };
  }

  #take(unit: Unit, at: number): void {
    const { batch, words, refused } = unit;
    const { index, head, writeAheadLog } = this.#parts;
    const { states } = head;
    const timestampMs = Math.trunc(batch.timestampsMs[at] ?? Number.NaN);
    if (!(timestampMs >= unit.oldestMs)) {
      refused.too_old++;
      return;
    }
    if (timestampMs > unit.furthestMs) {
      refused.too_far_ahead++;
      return;
    }
    const ref = batch.refs[at] ?? 0;
    const row = index.rowOf(ref);
    if (row === 0) {
      refused.unknown_series++;
      return;
    }
    const isOwner = index.senders.isOwner(row, unit.sender);
    if (!isOwner && !index.senders.maySend(row, unit.sender)) {
      refused.series_owned++;
      return;
    }
    const isStale = batch.stale[at] === 1;
    const high = isStale ? STALE_HIGH_WORD : (words[2 * at + 1] ?? 0) | 0;
    const low = isStale ? STALE_LOW_WORD : (words[2 * at] ?? 0) | 0;
    const histogram = batch.histograms.size > 0 ? batch.histograms.get(at) : undefined;
    const newestMs = isOwner ? 0 : states.newestMs(row);
    const outcome = histogram
      ? head.appendHistogram(row, timestampMs, histogram)
      : head.append(row, timestampMs, high, low);
    if (outcome === DUPLICATE_TIMESTAMP) {
      refused.duplicate_timestamp++;
      return;
    }
    if (outcome === OUT_OF_ORDER) {
      refused.out_of_order++;
      return;
    }
    unit.accepted++;
    if (!isOwner) this.#own(row, unit, newestMs);
    if (outcome !== ACCEPTED) return;
    if (writeAheadLog) {
      if (states.hasFlag(row, histogram ? HAS_FLOATS : HAS_HISTOGRAMS)) writeAheadLog.commits.keepOrder();
      if (!states.hasFlag(row, IS_LOGGED)) this.#logSeries(row, writeAheadLog);
      if (histogram) writeAheadLog.commits.addHistogram(index.numberOf(row), timestampMs, histogram);
      else writeAheadLog.commits.addSample(index.numberOf(row), timestampMs, high, low);
    }
    if (states.hasFlag(row, IS_SUBSCRIBED)) {
      const value = batch.values[at] ?? 0;
      this.#parts.subscriptions.note(unit.pending, { row, ref }, { timestampMs, value, stale: isStale });
    }
  }

  /** From its first sample on a series is its sender's, until somebody goes on with it whose word is worth more. */
  #own(row: SeriesRow, { sender, nowMs }: Unit, displacedMs: number): void {
    const { index, head, limits, writeAheadLog } = this.#parts;
    const before = index.senders.numberOf(row);
    // Chunks may stay in memory for a second window.
    const untilMs = Math.ceil((nowMs + 2 * limits.headWindowMs) / HOUR_MS + 1) * HOUR_MS;
    const lastMs = Math.ceil(displacedMs / LAST_SAMPLE_STEP_MS) * LAST_SAMPLE_STEP_MS;
    index.senders.setOwner(row, sender, { untilMs, lastMs });
    if (index.senders.numberOf(row) === before) return;
    if (writeAheadLog && head.states.hasFlag(row, IS_LOGGED)) this.#logSender(row, writeAheadLog);
  }

  #logSender(row: SeriesRow, writeAheadLog: WriteAheadLog): void {
    const { index } = this.#parts;
    const senders = index.senders.textOf(row);
    if (senders !== null) writeAheadLog.commits.addSender(index.numberOf(row), senders);
  }

  #logSeries(row: SeriesRow, writeAheadLog: WriteAheadLog): void {
    const { index } = this.#parts;
    const labels = index.labelsOf(row);
    if (!labels) return;
    writeAheadLog.commits.addSeries(index.numberOf(row), labels);
    this.#logSender(row, writeAheadLog);
    this.#parts.head.states.setFlag(row, IS_LOGGED);
  }

  #takeExemplars(batch: SampleBatch, sender: number): void {
    const { exemplars, index, head, writeAheadLog, limits } = this.#parts;
    const taken: LoggedExemplar[] = [];
    for (const { ref, exemplar } of batch.exemplars) {
      const row = index.rowOf(ref);
      const owner = index.senders.numberOf(row);
      const isForeign = owner !== sender && !index.senders.maySend(row, sender);
      if (row === 0 || isForeign || lengthOf(exemplar.labels) > limits.maxExemplarLabelsLength) {
        this.#exemplarsDropped.add(1);
        continue;
      }
      if (exemplars.add(ref, exemplar)) taken.push({ series: index.numberOf(row), exemplar });
      if (writeAheadLog && !head.states.hasFlag(row, IS_LOGGED)) this.#logSeries(row, writeAheadLog);
    }
    if (taken.length > 0) writeAheadLog?.commits.addExemplars(taken);
  }

  #refuseAll(batch: SampleBatch, reason: OmoiError): CommitResult {
    const refused = { ...noneRefused(), storage_full: batch.length };
    this.#countRefused(refused);
    return { accepted: 0, refused, durable: () => Promise.reject(reason) };
  }

  #countRefused(refused: RefusedSamples): void {
    for (const [reason, count] of Object.entries(refused))
      if (count > 0) this.#refusedCounter.add(count, { reason });
  }
}

function lengthOf(labels: Labels): number {
  let length = 0;
  for (const [name, value] of Object.entries(labels)) length += name.length + value.length;
  return length;
}

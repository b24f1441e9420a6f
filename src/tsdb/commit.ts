import {
  OmoiError,
  wordsOf,
  type AppendOrigin,
  type Clock,
  type CommitResult,
  type Labels,
  type RefusedSamples,
  type SampleBatch,
  type SelfMetrics,
  type SeriesRef,
} from '#telemetry';
import type { ExemplarRing } from './exemplar-ring.ts';
import { ACCEPTED, DUPLICATE_TIMESTAMP, OUT_OF_ORDER, type Head } from './head/head.ts';
import { HAS_FLOATS, HAS_HISTOGRAMS, IS_LOGGED, IS_RETIRED, IS_SUBSCRIBED } from './head/series-states.ts';
import type { SeriesIndex } from './index/series-index.ts';
import type { TsdbLimits } from './limits.ts';
import type { LoggedExemplar } from './log/exemplar-json.ts';
import type { Journal } from './log/journal.ts';
import type { RetiredSeries } from './retired-series.ts';
import type { PendingNotices, Subscriptions } from './subscriptions.ts';

const STALE_HIGH_WORD = 0x7ff00000;
const STALE_LOW_WORD = 2;
const DURABLE = Promise.resolve();

export interface CommitterParts {
  readonly clock: Clock;
  readonly limits: TsdbLimits;
  readonly index: SeriesIndex;
  readonly head: Head;
  readonly retired: RetiredSeries;
  readonly subscriptions: Subscriptions;
  readonly exemplars: ExemplarRing;
  /** Null where the store lives in memory only. */
  readonly journal: Journal | null;
  readonly selfMetrics: SelfMetrics;
  /** Makes a series anew. */
  series(labels: Labels): SeriesRef;
}

type RefusedCounts = { -readonly [Reason in keyof RefusedSamples]: number };

/** The state of one commit. Listeners may commit from inside a commit, so each has its own. */
interface Unit {
  readonly batch: SampleBatch;
  readonly words: Uint32Array;
  readonly oldestMs: number;
  readonly furthestMs: number;
  readonly refused: RefusedCounts;
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
      'Exemplars with too long labels, or of series that are gone.',
    );
  }

  /** As the contract of `SampleSink.commit` says. */
  commit(batch: SampleBatch, origin: AppendOrigin): CommitResult {
    const { clock, limits, journal, subscriptions } = this.#parts;
    const blockedBy = journal?.blockedBy;
    if (blockedBy) return this.#refuseAll(batch, blockedBy);
    const nowMs = clock.wallMs();
    const unit: Unit = {
      batch,
      words: wordsOf(batch.values),
      oldestMs: origin.source === 'import' ? Number.NEGATIVE_INFINITY : nowMs - limits.headWindowMs,
      furthestMs: nowMs + limits.maxAheadMs,
      refused: noneRefused(),
      pending: new Map(),
      accepted: 0,
    };
    for (let at = 0; at < batch.length; at++) this.#take(unit, at);
    if (batch.exemplars.length > 0) this.#takeExemplars(batch);
    journal?.commits.end();
    this.#acceptedCounter.add(unit.accepted);
    if (unit.accepted < batch.length) this.#countRefused(unit.refused);
    if (unit.pending.size > 0) subscriptions.deliver(unit.pending, origin);
    const { accepted, refused } = unit;
    return { accepted, refused, durable: () => journal?.durable() ?? DURABLE };
  }

  #take(unit: Unit, at: number): void {
    const { batch, words, refused } = unit;
    const { head, journal } = this.#parts;
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
    const ref = this.#liveRef(batch.refs[at] ?? 0);
    if (ref === 0) {
      refused.unknown_series++;
      return;
    }
    const isStale = batch.stale[at] === 1;
    const high = isStale ? STALE_HIGH_WORD : (words[2 * at + 1] ?? 0) | 0;
    const low = isStale ? STALE_LOW_WORD : (words[2 * at] ?? 0) | 0;
    const histogram = batch.histograms.size > 0 ? batch.histograms.get(at) : undefined;
    const outcome = histogram
      ? head.appendHistogram(ref, timestampMs, histogram)
      : head.append(ref, timestampMs, high, low);
    if (outcome === DUPLICATE_TIMESTAMP) {
      refused.duplicate_timestamp++;
      return;
    }
    if (outcome === OUT_OF_ORDER) {
      refused.out_of_order++;
      return;
    }
    unit.accepted++;
    if (outcome !== ACCEPTED) return;
    if (journal) {
      if (states.hasFlag(ref, histogram ? HAS_FLOATS : HAS_HISTOGRAMS)) journal.commits.keepOrder();
      if (!states.hasFlag(ref, IS_LOGGED)) this.#logSeries(ref, journal);
      if (histogram) journal.commits.addHistogram(ref, timestampMs, histogram);
      else journal.commits.addSample(ref, timestampMs, high, low);
    }
    if (states.hasFlag(ref, IS_SUBSCRIBED)) {
      const value = batch.values[at] ?? 0;
      this.#parts.subscriptions.note(unit.pending, ref, { timestampMs, value, stale: isStale });
    }
  }

  /** The live series that a reference stands for; 0 where there is none. */
  #liveRef(ref: SeriesRef): SeriesRef {
    if (ref > this.#parts.index.highestRef) return 0;
    return this.#parts.head.states.hasFlag(ref, IS_RETIRED) ? this.#revive(ref) : ref;
  }

  #logSeries(ref: SeriesRef, journal: Journal): void {
    const labels = this.#parts.index.labelsOf(ref);
    if (!labels) return;
    journal.commits.addSeries(ref, labels);
    this.#parts.head.states.setFlag(ref, IS_LOGGED);
  }

  #takeExemplars(batch: SampleBatch): void {
    const { exemplars, head, journal, limits } = this.#parts;
    const taken: LoggedExemplar[] = [];
    for (const { ref: givenRef, exemplar } of batch.exemplars) {
      const ref = this.#liveRef(givenRef);
      if (ref === 0 || lengthOf(exemplar.labels) > limits.maxExemplarLabelsLength) {
        this.#exemplarsDropped.add(1);
        continue;
      }
      if (exemplars.add(ref, exemplar)) taken.push({ ref, exemplar });
      if (journal && !head.states.hasFlag(ref, IS_LOGGED)) this.#logSeries(ref, journal);
    }
    if (taken.length > 0) journal?.commits.addExemplars(taken);
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

  /** The series that a retired reference stands for, made anew where it has to be; 0 where that can't be. */
  #revive(ref: SeriesRef): SeriesRef {
    const { retired, head } = this.#parts;
    const successor = retired.successorOf(ref);
    if (successor !== undefined && !head.states.hasFlag(successor, IS_RETIRED)) return successor;
    const labels = retired.labelsOf(ref);
    if (!labels) return 0;
    try {
      const fresh = this.#parts.series(labels);
      retired.setSuccessor(ref, fresh);
      return fresh;
    } catch (error) {
      if (error instanceof OmoiError) return 0;
      throw error;
    }
  }
}

function lengthOf(labels: Labels): number {
  let length = 0;
  for (const [name, value] of Object.entries(labels)) length += name.length + value.length;
  return length;
}

function noneRefused(): RefusedCounts {
  return {
    out_of_order: 0,
    duplicate_timestamp: 0,
    too_old: 0,
    too_far_ahead: 0,
    unknown_series: 0,
    storage_full: 0,
  };
}

import {
  type AppendOrigin,
  type Clock,
  type CommitResult,
  type Counter,
  type Labels,
  type MetadataSink,
  METRIC_NAME_LABEL,
  nextTurn,
  OmoiError,
  paced,
  type Random,
  type Redate,
  type SampleSink,
  type SelfMetrics,
  type Sender,
  type SeriesRef,
  Stretch,
  type Subscription,
  noneRefused,
} from '#telemetry';
import {
  countSamplesOf,
  dropWithoutSeries,
  fitsOneUnit,
  partsOf,
  redateBatch,
  replaceUnknown,
  seriesWithTimelySamples,
  type Reserved,
} from './batch-passes.ts';
import { RequestDecoder, readLabels, unknownRef } from './decoder.ts';
import { SeriesCache } from './series-cache.ts';
import { SnappyDecoder } from './snappy.ts';

/** How long one request works before it lets the event loop turn. */
const MAX_STRETCH_MS = 4;
/** Series or samples handled between two looks at the clock. */
const ITEMS_PER_LOOK = 500;
const SERIES_PER_LOOK = 50;
const LABEL_BYTES_PER_LOOK = 32 * 1024;
const MAX_DECODED_BYTES = 32 * 1024 * 1024;
const MAX_CACHE_BYTES = 256 * 1024 * 1024;

/** The store that takes the samples in. */
export interface RemoteWriteStore extends SampleSink, MetadataSink {
  /** @throws OmoiError `labels_invalid` when a label set may not become a series */
  checkLabels(labels: Labels): void;
  /** The reference of a series that is there, or 0. */
  findSeries(labels: Labels): SeriesRef;
  /** Whether a reference still stands for its series: not when the store has forgotten that. */
  holds(ref: SeriesRef): boolean;
  /** Called with how many series the store has just forgotten. */
  onForgotten(listener: (seriesCount: number) => void): Subscription;
  /** Whether a sample may have this time, whatever its series. */
  isTimely(timestampMs: number): boolean;
}

export interface RemoteWriteParts {
  readonly sink: RemoteWriteStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly selfMetrics: SelfMetrics;
  /** Metric names that Omoi itself writes: they can make it act, so that they are taken from nobody. */
  readonly isReserved: (metricName: string) => boolean;
  /** How senders' times are put right now, null where they need not be; never where absent. */
  readonly redating?: () => Redate | null;
  /** What a request may decode to; 32 MiB where absent. */
  readonly maxDecodedBytes?: number;
}

export interface RemoteWriteRequest {
  /** A WriteRequest in Snappy's block format. */
  readonly body: Uint8Array;
  /** W3C traceparent of the request, or null. */
  readonly traceparent: string | null;
  readonly sender: Sender;
}

export interface RemoteWriteReceiver {
  /**
   * Takes one request in. It is decoded whole before anything of it is stored, and answered when what it stored
   * survives a crash. Where some samples are refused, for their labels, by the store or because only Omoi may write
   * their metric, the others are stored all the same: clients drop what is answered 4xx, so that refusing the whole would
   * lose the rest.
   * @throws OmoiError `payload_undecodable`, `body_too_large`: nothing was stored; `labels_invalid`, `sample_refused`,
   *   `series_limit_reached`: the rest was stored; `storage_full`, `storage_failed`
   */
  handle(request: RemoteWriteRequest): Promise<{ readonly samples: number }>;
}

/**
 * Receives Prometheus remote write 1.0. Decoding stays on the thread of the store: it is about a quarter of what a
 * sample costs (bench/tsdb.ts), and a worker would have to ask back for every series that is new.
 */
export function createRemoteWriteReceiver(parts: RemoteWriteParts): RemoteWriteReceiver {
  const receiver = new Receiver(parts);
  const failures = parts.selfMetrics.counter(
    'omoi_remote_write_requests_failed_total',
    'Remote write requests that were refused, in whole or in part, by error.',
  );
  return {
    async handle(request) {
      try {
        return await receiver.handle(request);
      } catch (error) {
        failures.add(1, { error: error instanceof OmoiError ? error.code : 'internal_error' });
        throw error;
      }
    },
  };
}

/** What became of a request's samples. */
interface Outcome {
  accepted: number;
  readonly refused: ReturnType<typeof noneRefused>;
  /** Samples of series that the limits had no room for, and the first such refusal. */
  withoutSeries: number;
  readonly limit: OmoiError | null;
  /** Samples of series whose labels may not be, and the first such refusal. */
  readonly mislabelled: number;
  readonly labelsProblem: OmoiError | null;
  readonly reserved: Reserved;
  durable: Promise<void>;
}

/** What to tell the sender of samples that were refused; null where none were. */
function refusalOf({ accepted, refused, reserved, ...outcome }: Outcome): OmoiError | null {
  const { limit, labelsProblem } = outcome;
  if (limit) {
    return new OmoiError(
      'series_limit_reached',
      `${limit.message} ${outcome.withoutSeries} samples of new series were dropped; ${accepted} others were stored.`,
      limit.details,
    );
  }
  const counts = Object.entries({
    ...refused,
    reserved: reserved.samples,
    labels_invalid: outcome.mislabelled,
  }).filter(([, count]) => count > 0);
  if (counts.length === 0 && labelsProblem === null) return null;
  const reasons = counts.map(([reason, count]) => `${reason}: ${count}`);
  if (reserved.samples > 0) reasons.push(`${reserved.metricName} is written by Omoi alone`);
  const stored = `${accepted} samples were stored; of the others, ${reasons.join(', ') || 'none has a sample'}.`;
  return labelsProblem === null
    ? new OmoiError('sample_refused', stored, Object.fromEntries(counts))
    : new OmoiError('labels_invalid', `${labelsProblem.message} ${stored}`, Object.fromEntries(counts));
}

/** In the place of a series that no sample is taken for: the store has none of this reference. */
const NEVER_MADE_REF = Number.MAX_SAFE_INTEGER;

function addResult(outcome: Outcome, result: CommitResult): void {
  outcome.accepted += result.accepted;
  outcome.refused.out_of_order += result.refused.out_of_order;
  outcome.refused.duplicate_timestamp += result.refused.duplicate_timestamp;
  outcome.refused.too_old += result.refused.too_old;
  outcome.refused.too_far_ahead += result.refused.too_far_ahead;
  outcome.refused.unknown_series += result.refused.unknown_series;
  outcome.refused.series_owned += result.refused.series_owned;
  outcome.refused.storage_full += result.refused.storage_full;
  // All parts share one log: when the last is on disk, all are. A refusal of any part is one of the whole.
  const before = outcome.durable;
  outcome.durable = Promise.all([before, result.durable()]).then(() => undefined);
  // Awaited by `handle`; until then a refusal is not unhandled.
  outcome.durable.catch(() => undefined);
}

class Receiver {
  readonly #parts: RemoteWriteParts;
  readonly #snappy: SnappyDecoder;
  readonly #cache: SeriesCache;
  readonly #decoder: RequestDecoder;
  readonly #reservedRefused: Counter;
  /** Series that the store has forgotten since the cache was emptied for it; not all of them were in the cache. */
  #forgotten = 0;
  /** Requests are decoded one after the other; they wait for the disk side by side. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: RemoteWriteParts) {
    this.#parts = parts;
    this.#snappy = new SnappyDecoder(parts.maxDecodedBytes ?? MAX_DECODED_BYTES);
    this.#cache = new SeriesCache({ seed: parts.random.next() * 2 ** 32, maxBytes: MAX_CACHE_BYTES });
    this.#decoder = new RequestDecoder(this.#cache, (ref) => parts.sink.holds(ref));
    parts.sink.onForgotten((seriesCount) => this.#noteForgotten(seriesCount));
    this.#reservedRefused = parts.selfMetrics.counter(
      'omoi_remote_write_reserved_samples_total',
      'Samples refused because only Omoi writes their metric.',
    );
    parts.selfMetrics.gauge(
      'omoi_remote_write_cached_series',
      'Series known by their bytes.',
      () => this.#cache.size,
    );
  }

  /** A cache that would be half full of series that are gone begins anew. */
  #noteForgotten(seriesCount: number): void {
    this.#forgotten += seriesCount;
    if (this.#forgotten * 2 < this.#cache.size) return;
    this.#forgotten = 0;
    this.#cache.clear();
  }

  async handle(request: RemoteWriteRequest): Promise<{ readonly samples: number }> {
    const { clock } = this.#parts;
    const origin: AppendOrigin = {
      source: 'remote_write',
      sender: request.sender,
      traceparent: request.traceparent,
      receivedAtMs: clock.wallMs(),
      receivedMonotonicMs: clock.monotonicMs(),
    };
    const taken = this.#turn.then(() => this.#take(request, origin));
    this.#turn = taken.catch(() => undefined).then(nextTurn);
    const outcome = await taken;
    if (outcome.reserved.samples > 0) this.#reservedRefused.add(outcome.reserved.samples);
    await outcome.durable;
    const refusal = refusalOf(outcome);
    if (refusal) throw refusal;
    return { samples: outcome.accepted };
  }

  async #take({ body }: RemoteWriteRequest, origin: AppendOrigin): Promise<Outcome> {
    const stretch = new Stretch(this.#parts.clock, { maxMs: MAX_STRETCH_MS });
    const decoded = await paced(this.#snappy.decode(body), stretch);
    const outcome = await this.#takeDecoded(decoded, stretch, origin);
    if (outcome.refused.unknown_series === 0) return outcome;
    // The store has forgotten series that the cache knew. What is stored already is found to be there.
    this.#cache.clear();
    return this.#takeDecoded(decoded, stretch, origin);
  }

  async #takeDecoded(decoded: Uint8Array, stretch: Stretch, origin: AppendOrigin): Promise<Outcome> {
    const { sink, isReserved } = this.#parts;
    const { batch, metadata } = this.#decoder;
    this.#decoder.begin(decoded);
    do {
      await paced(batch.makeRoom(ITEMS_PER_LOOK), stretch);
      if (stretch.isOver) await stretch.pause();
    } while (!this.#decoder.step(ITEMS_PER_LOOK));
    const redate = this.#parts.redating?.() ?? null;
    if (redate) await paced(redateBatch(batch, redate), stretch);
    const { limit, labelsProblem, mislabelled, reserved } = await this.#resolveUnknown(stretch);
    for (const [at, { metricName, metadata: described }] of metadata.entries()) {
      if (!isReserved(metricName)) sink.describe(metricName, described);
      if (at % ITEMS_PER_LOOK === 0 && stretch.isOver) await stretch.pause();
    }
    const dropped = await paced(dropWithoutSeries(batch), stretch);
    const outcome: Outcome = {
      accepted: 0,
      refused: noneRefused(),
      withoutSeries: dropped - reserved.samples - mislabelled,
      limit,
      mislabelled,
      labelsProblem,
      reserved,
      durable: Promise.resolve(),
    };
    const newSeries = this.#decoder.unknown.length;
    if (fitsOneUnit(batch, newSeries)) {
      addResult(outcome, sink.commit(batch, origin));
      return outcome;
    }
    for (const part of partsOf(batch, newSeries)) {
      addResult(outcome, sink.commit(part, origin));
      await stretch.pause();
    }
    return outcome;
  }

  /**
   * Makes the series that the cache did not know, all label sets read before the first is made. None is made for samples
   * that are refused for their time anyway, or for no sample at all, or of reserved metrics, or whose labels may not be.
   */
  async #resolveUnknown(stretch: Stretch): Promise<Resolved> {
    const { unknown, batch } = this.#decoder;
    if (unknown.length === 0) return ALL_RESOLVED;
    const { labelSets, labelsProblem } = await this.#readUnknown(stretch);
    const refs = new Float64Array(unknown.length);
    const { sink } = this.#parts;
    const timely = seriesWithTimelySamples(batch, unknown.length, (at) => sink.isTimely(at));
    const isDue = await paced(timely, stretch);
    const forbidden = new Map<number, string>();
    let limit: OmoiError | null = null;
    const mislabelled = new Set<SeriesRef>();
    for (const [at, labels] of labelSets.entries()) {
      if (at % SERIES_PER_LOOK === 0 && stretch.isOver) await stretch.pause();
      if (labels === null) {
        mislabelled.add(unknownRef(at));
        continue;
      }
      const metricName = labels[METRIC_NAME_LABEL] ?? '';
      if (this.#parts.isReserved(metricName)) {
        forbidden.set(unknownRef(at), metricName);
        continue;
      }
      if (isDue[at] === 0) continue;
      try {
        const ref = this.#parts.sink.series(labels);
        const series = unknown[at];
        if (series) this.#cache.add(series.hash, series.labelBytes, ref);
        refs[at] = ref;
      } catch (error) {
        if (!(error instanceof OmoiError) || error.code !== 'series_limit_reached') throw error;
        limit ??= error;
      }
    }
    for (const [at, labels] of labelSets.entries()) {
      if (at % SERIES_PER_LOOK === 0 && stretch.isOver) await stretch.pause();
      if (labels === null || isDue[at] !== 0 || forbidden.has(unknownRef(at))) continue;
      refs[at] = sink.findSeries(labels) || NEVER_MADE_REF;
    }
    const [metricName = ''] = forbidden.values();
    const reserved = { samples: await paced(countSamplesOf(batch, forbidden), stretch), metricName };
    const ofMislabelled = await paced(countSamplesOf(batch, mislabelled), stretch);
    await paced(replaceUnknown(batch, refs), stretch);
    return { limit, labelsProblem, mislabelled: ofMislabelled, reserved };
  }

  /** The label sets of the series that the cache did not know; null for those that may not be, and why the first may not. */
  async #readUnknown(stretch: Stretch): Promise<{
    readonly labelSets: readonly (Labels | null)[];
    readonly labelsProblem: OmoiError | null;
  }> {
    const labelSets: (Labels | null)[] = [];
    let labelsProblem: OmoiError | null = null;
    let bytes = 0;
    for (const { labelBytes } of this.#decoder.unknown) {
      try {
        const labels = readLabels(labelBytes);
        this.#parts.sink.checkLabels(labels);
        labelSets.push(labels);
      } catch (error) {
        if (!(error instanceof OmoiError) || error.code !== 'labels_invalid') throw error;
        labelsProblem ??= error;
        labelSets.push(null);
      }
      bytes += labelBytes.length;
      if (labelSets.length % SERIES_PER_LOOK !== 0 && bytes < LABEL_BYTES_PER_LOOK) continue;
      bytes = 0;
      if (stretch.isOver) await stretch.pause();
    }
    return { labelSets, labelsProblem };
  }
}

type Resolved = Pick<Outcome, 'limit' | 'labelsProblem' | 'mislabelled' | 'reserved'>;

const ALL_RESOLVED: Resolved = {
  limit: null,
  labelsProblem: null,
  mislabelled: 0,
  reserved: { samples: 0, metricName: '' },
};

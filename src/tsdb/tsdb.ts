import {
  OmoiError,
  wordsOf,
  type AppendFeed,
  type AppendNotice,
  type AppendOrigin,
  type Clock,
  type CommitResult,
  type Exemplar,
  type Labels,
  type Logger,
  type Matcher,
  type MetadataSink,
  type MetricMetadata,
  type RefusedSamples,
  type SampleBatch,
  type SampleSink,
  type SelfMetrics,
  type SeriesRef,
  type Subscription,
} from '#telemetry';
import { ExemplarRing } from './exemplar-ring.ts';
import { ACCEPTED, DUPLICATE_TIMESTAMP, Head, OUT_OF_ORDER, type AppendOutcome } from './head/head.ts';
import { selectFromHead } from './head/select.ts';
import { IS_RETIRED, IS_SUBSCRIBED } from './head/series-states.ts';
import { SeriesIndex } from './index/series-index.ts';
import { DEFAULT_LIMITS, type TsdbLimits } from './limits.ts';
import { RetiredSeries } from './retired-series.ts';
import type { SelectedSeries, SeriesSelection } from './selection.ts';
import { cardinalityOf, type CardinalityStatus } from './status.ts';
import { Subscriptions, type AppendSubscription, type PendingNotices } from './subscriptions.ts';

export interface TsdbOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly selfMetrics: SelfMetrics;
  readonly limits?: Partial<TsdbLimits>;
}

/** Which series a lookup is about: those that match one of the matcher lists; all where there is none. */
export interface SeriesLookup {
  readonly matcherLists: readonly (readonly Matcher[])[];
  readonly startMs?: number;
  readonly endMs?: number;
}

const STALE_HIGH_WORD = 0x7ff00000;
const STALE_LOW_WORD = 2;
const NO_LABELS: Labels = {};

/** Opens a store. Without a directory it lives in memory only. */
export async function createTsdb(options: TsdbOptions): Promise<Tsdb> {
  return new Tsdb(options);
}

/** The time series store. */
export class Tsdb implements SampleSink, AppendFeed, MetadataSink {
  readonly #clock: Clock;
  readonly #limits: TsdbLimits;
  readonly #index: SeriesIndex;
  readonly #head: Head;
  readonly #subscriptions: Subscriptions;
  readonly #exemplars: ExemplarRing;
  readonly #metadata = new Map<string, MetricMetadata>();
  readonly #retired = new RetiredSeries();

  constructor(options: TsdbOptions) {
    this.#clock = options.clock;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#index = new SeriesIndex(this.#limits);
    this.#head = new Head(this.#limits.outOfOrderWindowMs);
    this.#exemplars = new ExemplarRing(this.#limits.maxExemplars);
    const failures = options.selfMetrics.counter(
      'omoi_tsdb_listener_failures_total',
      'Listeners that threw.',
    );
    this.#subscriptions = new Subscriptions(options.logger, () => failures.add(1));
  }

  series(labels: Labels): SeriesRef {
    const known = this.#index.highestRef;
    const ref = this.#index.findOrAdd(labels);
    if (ref > known) this.#welcome(ref);
    return ref;
  }

  commit(batch: SampleBatch, origin: AppendOrigin): CommitResult {
    const nowMs = this.#clock.wallMs();
    const oldestMs =
      origin.source === 'import' ? Number.NEGATIVE_INFINITY : nowMs - this.#limits.headWindowMs;
    const furthestMs = nowMs + this.#limits.maxAheadMs;
    const { states } = this.#head;
    const highestRef = this.#index.highestRef;
    const words = wordsOf(batch.values);
    const pending: PendingNotices = new Map();
    const refused = noneRefused();
    let accepted = 0;
    for (let at = 0; at < batch.length; at++) {
      let ref = batch.refs[at] ?? 0;
      if (ref === 0 || ref > highestRef) {
        refused.unknown_series++;
        continue;
      }
      if (states.hasFlag(ref, IS_RETIRED)) {
        ref = this.#revive(ref);
        if (ref === 0) {
          refused.unknown_series++;
          continue;
        }
      }
      const timestampMs = Math.trunc(batch.timestampsMs[at] ?? Number.NaN);
      if (!(timestampMs >= oldestMs)) {
        refused.too_old++;
        continue;
      }
      if (timestampMs > furthestMs) {
        refused.too_far_ahead++;
        continue;
      }
      const isStale = batch.stale[at] === 1;
      const high = isStale ? STALE_HIGH_WORD : (words[2 * at + 1] ?? 0);
      const low = isStale ? STALE_LOW_WORD : (words[2 * at] ?? 0);
      const histogram = batch.histograms.size > 0 ? batch.histograms.get(at) : undefined;
      const outcome: AppendOutcome = histogram
        ? this.#head.appendHistogram(ref, timestampMs, histogram)
        : this.#head.append(ref, timestampMs, high, low);
      if (outcome === DUPLICATE_TIMESTAMP) refused.duplicate_timestamp++;
      else if (outcome === OUT_OF_ORDER) refused.out_of_order++;
      else accepted++;
      if (outcome !== ACCEPTED) continue;
      if (states.hasFlag(ref, IS_SUBSCRIBED)) {
        this.#subscriptions.note(pending, ref, { timestampMs, value: batch.values[at] ?? 0, stale: isStale });
      }
    }
    for (const { ref, exemplar } of batch.exemplars) this.#exemplars.add(ref, exemplar);
    if (pending.size > 0) this.#subscriptions.deliver(pending, origin);
    return { accepted, refused, durable: () => Promise.resolve() };
  }

  onAppend(matchers: readonly Matcher[], listener: (notice: AppendNotice) => void): Subscription {
    const subscription: AppendSubscription = { matchers, listener, active: true };
    const refs = this.#index.select(matchers).slice();
    this.#subscriptions.add(subscription, refs);
    for (const ref of refs) this.#head.states.setFlag(ref, IS_SUBSCRIBED);
    return {
      stop: () => {
        if (!subscription.active) return;
        for (const ref of this.#subscriptions.remove(subscription)) {
          this.#head.states.clearFlag(ref, IS_SUBSCRIBED);
        }
      },
    };
  }

  labelsOf(ref: SeriesRef): Labels {
    return this.#index.labelsOf(ref) ?? this.#retired.labelsOf(ref) ?? NO_LABELS;
  }

  /**
   * The series that all matchers accept, with their samples in the interval.
   * @throws OmoiError `query_limit`
   */
  select(selection: SeriesSelection): readonly SelectedSeries[] | Promise<readonly SelectedSeries[]> {
    return selectFromHead(this.#index, this.#head, selection);
  }

  /** The label sets that a lookup finds. */
  lookUpSeries(lookup: SeriesLookup): Labels[] {
    const found: Labels[] = [];
    for (const ref of this.#refsOf(lookup) ?? this.#index.select([])) {
      const labels = this.#index.labelsOf(ref);
      if (labels) found.push(labels);
    }
    return found;
  }

  labelNames(lookup: SeriesLookup): string[] {
    return this.#index.labelNames(this.#refsOf(lookup));
  }

  labelValues(name: string, lookup: SeriesLookup): string[] {
    return this.#index.labelValues(name, this.#refsOf(lookup));
  }

  /** Exemplars of the series that the matchers accept, in [startMs, endMs], with their series' labels. */
  exemplars(selection: {
    readonly matchers: readonly Matcher[];
    readonly startMs: number;
    readonly endMs: number;
  }): { readonly labels: Labels; readonly exemplars: readonly Exemplar[] }[] {
    const refs = this.#index.select(selection.matchers);
    const found = this.#exemplars.select(refs, selection.startMs, selection.endMs);
    return [...found].map(([ref, exemplars]) => ({ labels: this.labelsOf(ref), exemplars }));
  }

  describe(metricName: string, metadata: MetricMetadata): void {
    if (this.#metadata.has(metricName) || this.#metadata.size < this.#limits.maxMetadataEntries) {
      this.#metadata.set(metricName, metadata);
    }
  }

  /** What sources said about metrics, by name. */
  metadata(): ReadonlyMap<string, MetricMetadata> {
    return this.#metadata;
  }

  /** Numbers of the head and the top offenders. */
  status(limit = 10): TsdbStatus {
    return {
      seriesCount: this.#index.seriesCount,
      labelPairCount: this.#index.labelPairCount,
      chunkCount: this.#head.chunks.live,
      ...cardinalityOf(this.#index, limit),
    };
  }

  async stop(): Promise<void> {}

  /** Whatever a lookup restricts series to; null where it does not. */
  #refsOf(lookup: SeriesLookup): Uint32Array | null {
    const { matcherLists, startMs = Number.NEGATIVE_INFINITY } = lookup;
    if (matcherLists.length === 0 && startMs === Number.NEGATIVE_INFINITY) return null;
    const lists = matcherLists.length === 0 ? [[]] : matcherLists;
    const refs = new Set<SeriesRef>();
    const { newestMs } = this.#head.states;
    for (const matchers of lists) {
      for (const ref of this.#index.select(matchers)) if ((newestMs[ref] ?? 0) >= startMs) refs.add(ref);
    }
    return Uint32Array.from(refs).sort();
  }

  #welcome(ref: SeriesRef): void {
    const { states } = this.#head;
    states.reserve(ref);
    if (this.#subscriptions.match(ref, this.labelsOf(ref))) states.setFlag(ref, IS_SUBSCRIBED);
  }

  /** The series that a retired reference stands for, made anew where it has to be; 0 where that can't be. */
  #revive(ref: SeriesRef): SeriesRef {
    const successor = this.#retired.successorOf(ref);
    if (successor !== undefined && !this.#head.states.hasFlag(successor, IS_RETIRED)) return successor;
    const labels = this.#retired.labelsOf(ref);
    if (!labels) return 0;
    try {
      const fresh = this.series(labels);
      this.#retired.setSuccessor(ref, fresh);
      return fresh;
    } catch (error) {
      if (error instanceof OmoiError) return 0;
      throw error;
    }
  }
}

export interface TsdbStatus extends CardinalityStatus {
  readonly seriesCount: number;
  readonly labelPairCount: number;
  readonly chunkCount: number;
}

type RefusedCounts = { -readonly [Reason in keyof RefusedSamples]: number };

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

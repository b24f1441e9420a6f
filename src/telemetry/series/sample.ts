import { grownColumn } from '../concurrency/grown-column.ts';
import { unpaced } from '../concurrency/pacing.ts';
import type { Labels } from '../labels/label-set.ts';
import type { HistogramValue } from './histogram-value.ts';
import type { Matcher } from '../labels/matcher.ts';
import { ANONYMOUS_SENDER, DETECTOR_SENDER, OMOI_SENDER, RULE_SENDER, type Sender } from './sender.ts';

/** One sample as the HTTP API shows it; `timestamp` is RFC 3339 in UTC with milliseconds. */
export interface MetricSample {
  readonly metric_name: string;
  readonly value: number;
  readonly labels: Labels;
  readonly timestamp: string;
}

/**
 * An integer up to 2^53 that stands for one series of a running store. Never persisted, and never given to another
 * series while the store runs; columns of references are Float64Arrays.
 */
export type SeriesRef = number;

/** Where a unit of samples came in. */
export type SampleSource = 'collector' | 'detector' | 'rule' | 'scrape' | 'otlp' | 'remote_write' | 'import';

/**
 * What caused a unit of samples: it travels beside the samples to whoever is subscribed, so that an alert can
 * be traced back to the very append that raised it.
 */
export interface AppendOrigin {
  readonly source: SampleSource;
  /** Who sent it; where left out, `senderOfOrigin` says. */
  readonly sender?: Sender;
  /** W3C traceparent of the span that produced the unit; null where nothing upstream is traced. */
  readonly traceparent: string | null;
  /** Wall clock, ms since epoch, when the unit arrived. */
  readonly receivedAtMs: number;
  /** Monotonic clock, ms, when the unit arrived: latencies are measured from here. */
  readonly receivedMonotonicMs: number;
}

/** Who sends a unit that names no sender: what comes from outside without a name is anonymous. */
export function senderOfOrigin({ sender, source }: Pick<AppendOrigin, 'sender' | 'source'>): Sender {
  if (sender !== undefined) return sender;
  switch (source) {
    case 'collector':
      return OMOI_SENDER;
    case 'rule':
      return RULE_SENDER;
    case 'detector':
      return DETECTOR_SENDER;
    case 'scrape':
    case 'otlp':
    case 'remote_write':
    case 'import':
      return ANONYMOUS_SENDER;
  }
}

/** One measurement that stands for many, usually with the trace it came from. */
export interface Exemplar {
  readonly labels: Labels;
  readonly timestampMs: number;
  readonly value: number;
}

/** What a metric is, as its source describes it. */
export interface MetricMetadata {
  readonly type:
    | 'counter'
    | 'gauge'
    | 'histogram'
    | 'gaugehistogram'
    | 'summary'
    | 'info'
    | 'stateset'
    | 'unknown';
  readonly help: string;
  readonly unit: string;
}

/** Where ingest puts what it learns about metrics. */
export interface MetadataSink {
  describe(metricName: string, metadata: MetricMetadata): void;
}

/**
 * A growable unit of samples. All samples of a batch become visible at once.
 * A staleness marker is added with `addStale`, never as a plain NaN.
 */
export class SampleBatch {
  refs: Float64Array;
  timestampsMs: Float64Array;
  values: Float64Array;
  /** 1 where the sample is a staleness marker. */
  stale: Uint8Array;
  length: number;
  /** Native histograms by their place in the batch; `values` holds a NaN there. */
  readonly histograms = new Map<number, HistogramValue>();
  /** Exemplars that came with the samples. */
  readonly exemplars: { readonly ref: SeriesRef; readonly exemplar: Exemplar }[] = [];

  constructor(capacity = 64) {
    this.refs = new Float64Array(capacity);
    this.timestampsMs = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
    this.stale = new Uint8Array(capacity);
    this.length = 0;
  }

  add(ref: SeriesRef, timestampMs: number, value: number): void {
    if (this.length === this.refs.length) unpaced(this.makeRoom(1));
    const at = this.length++;
    this.refs[at] = ref;
    this.timestampsMs[at] = timestampMs;
    this.values[at] = value;
    this.stale[at] = 0;
  }

  addStale(ref: SeriesRef, timestampMs: number): void {
    this.add(ref, timestampMs, Number.NaN);
    this.stale[this.length - 1] = 1;
  }

  addHistogram(ref: SeriesRef, timestampMs: number, histogram: HistogramValue): void {
    this.histograms.set(this.length, histogram);
    this.add(ref, timestampMs, Number.NaN);
  }

  addExemplar(ref: SeriesRef, exemplar: Exemplar): void {
    this.exemplars.push({ ref, exemplar });
  }

  clear(): void {
    this.length = 0;
    if (this.histograms.size > 0) this.histograms.clear();
    this.exemplars.length = 0;
  }

  /** Makes room for so many samples more, in steps: those that are there may have to be copied. */
  *makeRoom(more: number): Generator<void> {
    const { length } = this;
    const needed = length + more;
    if (needed <= this.refs.length) return;
    const capacity = Math.max(2 * this.refs.length, needed);
    const refs = yield* grownColumn(this.refs, new Float64Array(capacity), length);
    const timestampsMs = yield* grownColumn(this.timestampsMs, new Float64Array(capacity), length);
    const values = yield* grownColumn(this.values, new Float64Array(capacity), length);
    this.stale = yield* grownColumn(this.stale, new Uint8Array(capacity), length);
    this.refs = refs;
    this.timestampsMs = timestampsMs;
    this.values = values;
  }
}

/**
 * Why samples of a batch were refused, with how many. `unknown_series`: the reference was never given out, or its
 * series is long gone; ask for it again. `series_owned`: the series is another sender's.
 * `storage_full`: nothing of the batch was taken.
 */
export type RefusedSamples = Readonly<
  Record<
    | 'out_of_order'
    | 'duplicate_timestamp'
    | 'too_old'
    | 'too_far_ahead'
    | 'unknown_series'
    | 'series_owned'
    | 'storage_full',
    number
  >
>;

/** Counts of none, to add to. */
export function noneRefused(): { -readonly [Reason in keyof RefusedSamples]: number } {
  return {
    out_of_order: 0,
    duplicate_timestamp: 0,
    too_old: 0,
    too_far_ahead: 0,
    unknown_series: 0,
    series_owned: 0,
    storage_full: 0,
  };
}

export interface CommitResult {
  readonly accepted: number;
  readonly refused: RefusedSamples;
  /** Resolves when the accepted samples survive a crash; rejects with `storage_full` or `storage_failed`. */
  durable(): Promise<void>;
}

/** Where collectors, detectors, rules and ingest put samples. */
export interface SampleSink {
  /**
   * The reference of a series, created when it is new. The store forgets a series that has had no sample for hours:
   * a sample under its reference is then refused as `unknown_series`, and who has it asks here again.
   * @throws OmoiError `series_limit_reached`, `labels_invalid`
   */
  series(labels: Labels): SeriesRef;
  /**
   * Makes the batch visible as one unit and tells subscribers before it returns. The batch may be reused. Never
   * throws: what is refused is counted in the result.
   */
  commit(batch: SampleBatch, origin: AppendOrigin): CommitResult;
}

/** The samples of one committed unit that one subscription's matchers accept, as parallel arrays. */
export interface AppendNotice {
  readonly origin: AppendOrigin;
  readonly refs: readonly SeriesRef[];
  readonly timestampsMs: readonly number[];
  /** NaN where the sample is a staleness marker. */
  readonly values: readonly number[];
  readonly stale: readonly boolean[];
}

export interface Subscription {
  stop(): void;
}

export interface AppendSubscription extends Subscription {
  /** Resolves when samples of all series are told of that were there before; null where they are already. */
  readonly whenLinked: Promise<void> | null;
}

/** Who wants to know about new samples the moment they are visible. */
export interface AppendFeed {
  /**
   * Called synchronously once for each committed unit that touches a matching series. Where many series match, they are
   * linked one after the other: what is appended before a series' turn is not told of.
   */
  onAppend(matchers: readonly Matcher[], listener: (notice: AppendNotice) => void): AppendSubscription;
  /** The label set of a reference that a notice named. */
  labelsOf(ref: SeriesRef): Labels;
}

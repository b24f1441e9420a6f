import {
  labelsKey,
  METRIC_NAME_LABEL,
  OmoiError,
  SampleBatch,
  STANDARD_METRICS,
  withoutLabels,
  type Clock,
  type CollectedPoint,
  type Counter,
  type Labels,
  type SampleSink,
  type SampleSource,
  type SelectedSeries,
  type SelfMetrics,
  type SeriesRef,
} from '#telemetry';

/** Unchanged values are appended again after this long, so that look-back windows never lose them. */
const repeatAfterMs = 15_000;
/** The refused timestamps of one series may run ahead of the clock by no more than this. */
const maxAheadMs = 1000;

/** Samples repeated in one slice: a millisecond or two in the store. */
const SAMPLES_PER_SLICE = 500;

const HISTOGRAM_SUFFIXES = ['_bucket', '_sum', '_count'] as const;

/** A series that the monitor keeps, and the newest value it has. */
export class KeptSeries implements CollectedPoint {
  /** The sample's metric name, with `_bucket`, `_sum` or `_count` in histograms. */
  readonly name: string;
  /** The metric's name. */
  readonly family: string;
  readonly suffix: CollectedPoint['suffix'];
  /** Without the metric name and empty values. */
  readonly labels: Labels;
  value = Number.NaN;
  /** When the value was last appended; wall ms, −Infinity before. */
  appendedAtMs = Number.NEGATIVE_INFINITY;
  ref: SeriesRef | null = null;
  pending = false;
  removed = false;

  constructor(name: string, labels: Labels) {
    this.name = name;
    this.suffix =
      name in STANDARD_METRICS ? '' : (HISTOGRAM_SUFFIXES.find((end) => name.endsWith(end)) ?? '');
    this.family = name.slice(0, name.length - this.suffix.length);
    this.labels = labels;
  }
}

export interface SeriesAppenderOptions {
  readonly sink: SampleSink;
  readonly clock: Clock;
  readonly metrics: SelfMetrics;
  readonly source: SampleSource;
  readonly maxSeries: number;
}

/**
 * The series that the monitor appends to: on change, again every 15 s, and a staleness marker at the end. What is
 * put between two flushes becomes visible as one unit.
 */
export class SeriesAppender {
  readonly #options: SeriesAppenderOptions;
  /** By metric, in the order in which they were opened. */
  readonly #families = new Map<string, Set<KeptSeries>>();
  #size = 0;
  readonly #refused: Counter;
  readonly #unkept: Counter;
  readonly #batch = new SampleBatch();
  /** Removed series whose end the store could not write, by name and labels; `maxSeries` at most. */
  readonly #unended = new Map<string, KeptSeries>();
  #pending: KeptSeries[] = [];

  constructor(options: SeriesAppenderOptions) {
    this.#options = options;
    this.#refused = options.metrics.counter(
      'omoi_monitor_samples_refused_total',
      'Samples of the monitor that the store refused.',
    );
    this.#unkept = options.metrics.counter(
      'omoi_monitor_series_refused_total',
      'Series of the monitor beyond a limit; they are not kept.',
    );
  }

  /** For whoever keeps series by labels. */
  get clock(): Clock {
    return this.#options.clock;
  }

  /** Counts, by metric, what was added up in an overflow series. */
  get overflowed(): Counter {
    return this.#options.metrics.counter(
      'omoi_monitor_series_overflow_total',
      'Values that were added up in the series with the labels _other: their own would have been one too many.',
    );
  }

  /** A new series. Beyond `maxSeries` it takes values but appends none, and is counted. */
  open(name: string, labels: Labels): KeptSeries {
    const kept: Record<string, string> = {};
    for (const [label, value] of Object.entries(labels)) if (value !== '') kept[label] = value;
    const series = new KeptSeries(name, kept);
    // It goes on: nobody needs to see that it was away.
    if (this.#unended.size > 0) this.#unended.delete(keyOf(series));
    if (this.#size < this.#options.maxSeries) {
      const family = this.#families.get(series.family);
      if (family) family.add(series);
      else this.#families.set(series.family, new Set([series]));
      this.#size++;
    } else {
      series.removed = true;
      this.#unkept.add(1, { source: this.#options.source });
    }
    return series;
  }

  put(series: KeptSeries, value: number): void {
    if (value === series.value) return;
    series.value = value;
    this.#await(series);
  }

  /** Appends the value with the next unit although it has not changed: what it belongs to has. */
  again(series: KeptSeries): void {
    if (!Number.isNaN(series.value)) this.#await(series);
  }

  /** Ends a series: readers see it vanish at once. */
  remove(series: KeptSeries): void {
    if (this.#families.get(series.family)?.delete(series) !== true) return;
    this.#size--;
    series.removed = true;
    this.#awaitEnd(series);
  }

  /**
   * Ends the series that an earlier process has left and that are not kept now, with the next unit: else readers would
   * see its last values for a whole look-back window.
   * @param left with one newest sample each, none of them a staleness marker
   */
  endLeft(metric: string, left: readonly SelectedSeries[]): void {
    const kept = new Set<string>();
    for (const { labels } of this.#families.get(metric) ?? []) kept.add(labelsKey(labels));
    for (const { labels, timestampsMs } of left) {
      const series = new KeptSeries(metric, withoutLabels(labels, METRIC_NAME_LABEL));
      if (kept.has(labelsKey(series.labels)) || this.#refOf(series) === null) continue;
      series.appendedAtMs = timestampsMs.at(-1) ?? series.appendedAtMs;
      series.removed = true;
      this.#awaitEnd(series);
    }
  }

  /** Puts what was last appended 15 s ago or longer, and ends that the store refused, into the next unit. */
  repeat(): void {
    let isDone = false;
    for (const slices = this.repeatInSlices(); !isDone;) isDone = slices.next().done === true;
  }

  /** As `repeat`, in slices of so many samples: whoever walks them flushes after each, for a unit of its own. */
  *repeatInSlices(): Generator<void, void, void> {
    const beforeMs = this.#options.clock.wallMs() - repeatAfterMs;
    for (const series of this.#unended.values()) this.#awaitEnd(series);
    this.#unended.clear();
    let put = 0;
    for (const family of this.#families.values()) {
      for (const series of family) {
        if (series.appendedAtMs > beforeMs || Number.isNaN(series.value)) continue;
        this.#await(series);
        if (++put % SAMPLES_PER_SLICE === 0) yield;
      }
    }
  }

  /** The kept series of a metric that have a value; those that come or go while they are read do no harm. */
  *currentOf(family: string): Generator<KeptSeries, void, void> {
    for (const series of this.#families.get(family) ?? []) if (!Number.isNaN(series.value)) yield series;
  }

  /** The kept series that have a value, metric by metric. */
  *current(): Generator<KeptSeries, void, void> {
    for (const family of this.#families.keys()) yield* this.currentOf(family);
  }

  get size(): number {
    return this.#size;
  }

  /** Appends what has changed, as one unit. @param traceparentOf where given: one unit for each trace */
  flush(traceparentOf?: (series: KeptSeries) => string | null): void {
    if (this.#pending.length === 0) return;
    const pending = this.#pending;
    this.#pending = [];
    if (!traceparentOf) {
      this.#append(pending, null);
      return;
    }
    const byTrace = new Map<string | null, KeptSeries[]>();
    for (const series of pending) {
      const traceparent = traceparentOf(series);
      const unit = byTrace.get(traceparent);
      if (unit) unit.push(series);
      else byTrace.set(traceparent, [series]);
    }
    for (const [traceparent, unit] of byTrace) this.#append(unit, traceparent);
  }

  #await(series: KeptSeries): void {
    if (series.pending || series.removed) return;
    series.pending = true;
    this.#pending.push(series);
  }

  #awaitEnd(series: KeptSeries): void {
    if (!series.pending) this.#pending.push(series);
    series.pending = true;
  }

  #append(unit: readonly KeptSeries[], traceparent: string | null): void {
    const { clock, sink, source } = this.#options;
    const nowMs = clock.wallMs();
    const timestampMs = Math.floor(nowMs);
    const batch = this.#batch;
    batch.clear();
    for (const series of unit) this.#addTo(batch, series, timestampMs);
    if (batch.length === 0) return;
    const result = sink.commit(batch, {
      source,
      traceparent,
      receivedAtMs: nowMs,
      receivedMonotonicMs: clock.monotonicMs(),
    });
    if (result.accepted === batch.length) return;
    for (const [reason, count] of Object.entries(result.refused)) {
      if (count > 0) this.#refused.add(count, { reason });
    }
    // References that have ended are asked for again with the next repetition.
    if (result.refused.unknown_series > 0) for (const series of unit) series.ref = null;
    for (const series of unit) {
      series.appendedAtMs = timestampMs - repeatAfterMs;
      // A disk that could not be written: an end that got lost would leave the last value true for a look-back window.
      if (result.refused.storage_full > 0 && series.removed) this.#endLater(series);
    }
  }

  #endLater(series: KeptSeries): void {
    if (this.#unended.size < this.#options.maxSeries) this.#unended.set(keyOf(series), series);
  }

  #addTo(batch: SampleBatch, series: KeptSeries, timestampMs: number): void {
    series.pending = false;
    // What the store never had needs no end.
    if (series.removed && series.ref === null) return;
    const ref = this.#refOf(series);
    if (ref === null) return;
    // Two changes within one millisecond are two samples: the second is dated one later.
    const lastMs = series.appendedAtMs;
    const atMs = timestampMs <= lastMs && lastMs - timestampMs < maxAheadMs ? lastMs + 1 : timestampMs;
    series.appendedAtMs = atMs;
    if (series.removed) batch.addStale(ref, atMs);
    else batch.add(ref, atMs, series.value);
  }

  #refOf(series: KeptSeries): SeriesRef | null {
    if (series.ref !== null) return series.ref;
    try {
      series.ref = this.#options.sink.series({ [METRIC_NAME_LABEL]: series.name, ...series.labels });
    } catch (thrown) {
      if (!(thrown instanceof OmoiError)) throw thrown;
      this.#unkept.add(1, { source: this.#options.source });
      series.appendedAtMs = Math.floor(this.#options.clock.wallMs());
    }
    return series.ref;
  }
}

function keyOf({ name, labels }: KeptSeries): string {
  return `${name}\n${labelsKey(labels)}`;
}

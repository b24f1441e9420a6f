import { StoredHints, type NotedPoint, type OpenedPoints } from '#promql';
import {
  isStaleMarker,
  labelsKey,
  matchesAll,
  METRIC_NAME_LABEL,
  noneRefused,
  wordsOf,
  writeStaleMarker,
  type CommitResult,
  type HistogramValue,
  type Labels,
  type LatestSamples,
  type Matcher,
  type Queryable,
  type SampleBatch,
  type SelectedSeries,
  type Selection,
  type SeriesRef,
} from '#telemetry';
import type { RuleSink } from '../evaluation/rule-outlet.ts';

const FIRST_CAPACITY = 16;

/** Points that have yet to be read into their series: the point at `place` has the time `startMs + place * stepMs`. */
interface Pending {
  readonly series: StoredSeries;
  readonly points: Generator<NotedPoint, void, void>;
  readonly stepMs: number;
  nextMs: number;
}

/** The series that a selector has found, and how many there were when it last looked. */
interface Found {
  readonly series: StoredSeries[];
  looked: number;
}

/**
 * Series in memory for rules that are evaluated at times of their own: what is given as input becomes visible as time goes
 * on (`readUntil`), what rules write at once. Samples of a series come in the order of time; one that is not newer than the
 * newest is refused.
 */
export class MemorySeries implements Queryable, RuleSink {
  readonly #series: StoredSeries[] = [];
  readonly #refs = new Map<string, SeriesRef>();
  readonly #byMetric = new Map<string, StoredSeries[]>();
  readonly #found = new WeakMap<readonly Matcher[], Found>();
  readonly #pending = new Map<StoredSeries, Pending>();

  /** Series that becomes visible as time goes on. A series that is given twice has the points of the last time. */
  addInput(
    labels: Labels,
    input: OpenedPoints,
    at: { readonly startMs: number; readonly stepMs: number },
  ): void {
    const series = this.#at(this.series(labels));
    this.#pending.set(series, {
      series,
      points: input.points(),
      stepMs: at.stepMs,
      nextMs: at.startMs,
    });
  }

  /** Inputs up to and with this time are visible from here on. */
  readUntil(timeMs: number): void {
    for (const [series, pending] of this.#pending) {
      if (!readInto(pending, timeMs)) this.#pending.delete(series);
    }
  }

  series(labels: Labels): SeriesRef {
    const key = labelsKey(labels);
    const known = this.#refs.get(key);
    if (known !== undefined) return known;
    const ref = this.#series.length;
    const series = new StoredSeries(labels);
    this.#series.push(series);
    this.#refs.set(key, ref);
    const name = labels[METRIC_NAME_LABEL] ?? '';
    const others = this.#byMetric.get(name);
    if (others) others.push(series);
    else this.#byMetric.set(name, [series]);
    return ref;
  }

  holds(ref: SeriesRef): boolean {
    return ref < this.#series.length;
  }

  commit(batch: SampleBatch): CommitResult {
    const refused = noneRefused();
    let accepted = 0;
    for (let at = 0; at < batch.length; at++) {
      const series = this.#series[batch.refs[at] ?? -1];
      const timeMs = batch.timestampsMs[at] ?? 0;
      if (!series) refused.unknown_series++;
      else if (timeMs > series.newestMs) {
        const histogram = batch.histograms.get(at);
        if (batch.stale[at] === 1) series.appendStale(timeMs);
        else series.append(timeMs, batch.values[at] ?? Number.NaN, histogram ?? null);
        accepted++;
      } else if (timeMs < series.newestMs) refused.out_of_order++;
      // The same once more changes nothing; a marker gives way to what is there.
      else if (batch.stale[at] !== 1 && !series.endsWith(batch.values[at] ?? Number.NaN)) {
        refused.duplicate_timestamp++;
      }
    }
    return { accepted, refused, durable: () => Promise.resolve() };
  }

  select({ matchers, startMs, endMs, latestOnly }: Selection): readonly SelectedSeries[] {
    const selected: SelectedSeries[] = [];
    for (const series of this.#matching(matchers)) {
      const to = series.countUntil(endMs);
      const from = latestOnly === true ? Math.max(to - 1, 0) : series.countBefore(startMs);
      if (from >= to || series.timeAt(to - 1) < startMs) continue;
      selected.push(series.slice(from, to));
    }
    return selected;
  }

  selectLatest({ matchers, startMs, endMs }: Selection): LatestSamples {
    const labels: Labels[] = [];
    const places: { readonly series: StoredSeries; readonly at: number }[] = [];
    for (const series of this.#matching(matchers)) {
      const at = series.countUntil(endMs) - 1;
      if (at < 0 || series.timeAt(at) < startMs) continue;
      labels.push(series.labels);
      places.push({ series, at });
    }
    const values = new Float64Array(places.length);
    const timestampsMs = new Float64Array(places.length);
    const histograms: (HistogramValue | null)[] = [];
    places.forEach(({ series, at }, place) => {
      values.set(series.valuesAt(at), place);
      timestampsMs[place] = series.timeAt(at);
      histograms.push(series.histogramAt(at));
    });
    return { labels, timestampsMs, values, ...(histograms.some(Boolean) && { histograms }) };
  }

  #at(ref: SeriesRef): StoredSeries {
    const series = this.#series[ref];
    if (!series) throw new Error(`there is no series ${ref}`);
    return series;
  }

  /** Series only ever come: what a selector found before it finds again. */
  #matching(matchers: readonly Matcher[]): readonly StoredSeries[] {
    const name = matchers.find(
      ({ name: label, operator }) => label === METRIC_NAME_LABEL && operator === '=',
    );
    const among = name ? (this.#byMetric.get(name.value) ?? []) : this.#series;
    let found = this.#found.get(matchers);
    if (!found) this.#found.set(matchers, (found = { series: [], looked: 0 }));
    for (; found.looked < among.length; found.looked++) {
      const series = among[found.looked];
      if (series && matchesAll(matchers, series.labels)) found.series.push(series);
    }
    return found.series;
  }
}

/** @returns whether points are left */
function readInto(pending: Pending, untilMs: number): boolean {
  const { series, points, stepMs } = pending;
  while (pending.nextMs <= untilMs) {
    const next = points.next();
    if (next.done) return false;
    const timeMs = pending.nextMs;
    pending.nextMs += stepMs;
    const { value: point } = next;
    if (point.kind === 'none' || timeMs <= series.newestMs) continue;
    if (point.kind === 'stale') series.appendStale(timeMs);
    else if (point.kind === 'float') series.append(timeMs, point.value, null);
    else series.append(timeMs, Number.NaN, point.histogram);
  }
  return true;
}

class StoredSeries {
  readonly labels: Labels;
  #length = 0;
  #timestampsMs = new Float64Array(FIRST_CAPACITY);
  #values = new Float64Array(FIRST_CAPACITY);
  #words = wordsOf(this.#values);
  /** Null as long as no sample is a histogram. */
  #histograms: (HistogramValue | null)[] | null = null;
  readonly #hints = new StoredHints();

  constructor(labels: Labels) {
    this.labels = labels;
  }

  get newestMs(): number {
    return this.#length === 0 ? Number.NEGATIVE_INFINITY : this.timeAt(this.#length - 1);
  }

  append(timeMs: number, value: number, histogram: HistogramValue | null): void {
    this.#makeRoom();
    if (histogram !== null) this.#histograms ??= Array.from({ length: this.#length }, () => null);
    this.#histograms?.push(this.#stored(histogram));
    this.#timestampsMs[this.#length] = timeMs;
    this.#values[this.#length] = value;
    this.#length++;
  }

  appendStale(timeMs: number): void {
    this.append(timeMs, 0, null);
    writeStaleMarker(this.#words, this.#length - 1);
  }

  /** Whether the newest sample is this value, and no histogram or marker. */
  endsWith(value: number): boolean {
    const at = this.#length - 1;
    if (this.histogramAt(at) !== null || isStaleMarker(this.#words, at)) return false;
    return Object.is(this.#values[at], value);
  }

  timeAt(at: number): number {
    return this.#timestampsMs[at] ?? 0;
  }

  /** The value as the bits that it has in memory. */
  valuesAt(at: number): Float64Array {
    return this.#values.subarray(at, at + 1);
  }

  histogramAt(at: number): HistogramValue | null {
    return this.#histograms?.[at] ?? null;
  }

  /** How many samples are not newer than a time. */
  countUntil(timeMs: number): number {
    // Rules mostly ask for what is newest.
    if (this.newestMs <= timeMs) return this.#length;
    return this.#firstWhere((at) => at > timeMs);
  }

  /** How many samples are older than a time. */
  countBefore(timeMs: number): number {
    return this.#firstWhere((at) => at >= timeMs);
  }

  /** What is returned is read only, and stays as it is while others are appended. */
  slice(from: number, to: number): SelectedSeries {
    return {
      labels: this.labels,
      timestampsMs: this.#timestampsMs.subarray(from, to),
      values: this.#values.subarray(from, to),
      ...(this.#histograms && { histograms: this.#histograms.slice(from, to) }),
    };
  }

  #firstWhere(isWanted: (timeMs: number) => boolean): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isWanted(this.timeAt(middle))) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #stored(histogram: HistogramValue | null): HistogramValue | null {
    if (histogram !== null) return this.#hints.next(histogram);
    this.#hints.interrupt();
    return null;
  }

  #makeRoom(): void {
    if (this.#length < this.#values.length) return;
    const timestampsMs = new Float64Array(2 * this.#length);
    const values = new Float64Array(2 * this.#length);
    timestampsMs.set(this.#timestampsMs);
    values.set(this.#values);
    this.#timestampsMs = timestampsMs;
    this.#values = values;
    this.#words = wordsOf(values);
  }
}

import {
  type HistogramValue,
  type Labels,
  labelsKey,
  type LatestSamples,
  matchesAll,
  METRIC_NAME_LABEL,
  type Queryable,
  type SelectedSeries,
  type Selection,
  withoutLabels,
  wordsOf,
  writeStaleMarker,
} from '#telemetry';
import { withStoredHints, type NotedPoint } from '#promql';
import type { LoadCommand } from './script.ts';

interface StoredSeries {
  readonly labels: Labels;
  /** By time. */
  readonly points: Map<number, NotedPoint>;
  /** When the sample of a time began counting, where that is known. */
  readonly starts: Map<number, number>;
  /** In the order of time, as they are read; null where points have come since. */
  stored: readonly (readonly [number, NotedPoint])[] | null;
}

/** What a script has loaded, to be queried. */
export class ScriptStorage implements Queryable {
  readonly #series = new Map<string, StoredSeries>();

  clear(): void {
    this.#series.clear();
  }

  load({ series: given, stepMs, withCustomBuckets }: LoadCommand): void {
    // A series that is written twice has the points of the last time.
    const series = [...new Map(given.map((one) => [labelsKey(one.labels), one])).values()];
    for (const { labels, points, startOffsetsMs } of series) {
      points.forEach((point, place) => {
        if (point.kind === 'none') return;
        const timeMs = place * stepMs;
        const offsetMs = startOffsetsMs[place] ?? null;
        this.#put(labels, timeMs, point).starts.set(timeMs, offsetMs === null ? 0 : timeMs + offsetMs);
      });
    }
    if (!withCustomBuckets) return;
    for (const { labels, points } of customBucketHistograms(series)) {
      for (const [place, histogram] of points) {
        this.#put(labels, place * stepMs, { kind: 'histogram', histogram, hintGiven: false });
      }
    }
  }

  #put(labels: Labels, timeMs: number, point: NotedPoint): StoredSeries {
    const key = labelsKey(labels);
    let series = this.#series.get(key);
    if (!series) {
      series = { labels, points: new Map(), starts: new Map(), stored: null };
      this.#series.set(key, series);
    }
    series.points.set(timeMs, point);
    series.stored = null;
    return series;
  }

  select({ matchers, startMs, endMs }: Selection): readonly SelectedSeries[] {
    const selected: SelectedSeries[] = [];
    for (const series of this.#series.values()) {
      const { labels } = series;
      if (!matchesAll(matchers, labels)) continue;
      series.stored ??= withStoredHints([...series.points].sort(([a], [b]) => a - b));
      const within = series.stored.filter(([timeMs]) => timeMs >= startMs && timeMs <= endMs);
      if (within.length > 0) selected.push(withStarts(toSelected(labels, within), series.starts));
    }
    return selected;
  }

  selectLatest(selection: Selection): LatestSamples {
    const selected = this.select(selection);
    const values = new Float64Array(selected.length);
    selected.forEach((series, at) => values.set(series.values.subarray(-1), at));
    return {
      labels: selected.map(({ labels }) => labels),
      timestampsMs: Float64Array.from(selected, ({ timestampsMs }) => timestampsMs.at(-1) ?? 0),
      values,
      histograms: selected.map(({ histograms }) => histograms?.at(-1) ?? null),
    };
  }
}

/** A series none of whose samples says when it began counting is as one of a store that knows of no starts. */
function withStarts(series: SelectedSeries, starts: StoredSeries['starts']): SelectedSeries {
  const startTimestampsMs = series.timestampsMs.map((timeMs) => starts.get(timeMs) ?? 0);
  return startTimestampsMs.some((startMs) => startMs !== 0) ? { ...series, startTimestampsMs } : series;
}

function toSelected(labels: Labels, points: readonly (readonly [number, NotedPoint])[]): SelectedSeries {
  const values = new Float64Array(points.length);
  const words = wordsOf(values);
  points.forEach(([, point], at) => {
    if (point.kind === 'stale') writeStaleMarker(words, at);
    else values[at] = point.kind === 'float' ? point.value : NaN;
  });
  const histograms = points.map(([, point]) => (point.kind === 'histogram' ? point.histogram : null));
  const timestampsMs = Float64Array.from(points, ([timeMs]) => timeMs);
  return histograms.some(Boolean)
    ? { labels, timestampsMs, values, histograms }
    : { labels, timestampsMs, values };
}

interface ClassicPoint {
  readonly buckets: Map<number, number>;
  count: number | null;
  sum: number;
}

/** Native histograms with custom buckets from the classic ones among the loaded series, by place in the load. */
function customBucketHistograms(
  series: LoadCommand['series'],
): readonly { readonly labels: Labels; readonly points: ReadonlyMap<number, HistogramValue> }[] {
  const classics = new Map<string, { labels: Labels; points: Map<number, ClassicPoint> }>();
  for (const { labels, points } of series) {
    const name = labels[METRIC_NAME_LABEL] ?? '';
    const suffix = /_(bucket|sum|count)$/.exec(name)?.[1];
    const bound = labels['le'] === undefined ? NaN : parseBound(labels['le']);
    if (suffix === undefined || (suffix === 'bucket' && Number.isNaN(bound))) continue;
    const base = { ...withoutLabels(labels, 'le'), [METRIC_NAME_LABEL]: name.slice(0, -suffix.length - 1) };
    const key = labelsKey(base);
    const classic = classics.get(key) ?? { labels: base, points: new Map<number, ClassicPoint>() };
    classics.set(key, classic);
    points.forEach((point, place) => {
      if (point.kind !== 'float') return;
      const at = classic.points.get(place) ?? { buckets: new Map<number, number>(), count: null, sum: 0 };
      classic.points.set(place, at);
      if (suffix === 'sum') at.sum = point.value;
      else if (suffix === 'count') at.count = point.value;
      else if (!at.buckets.has(bound)) at.buckets.set(bound, point.value);
    });
  }
  return [...classics.values()].map(({ labels, points }) => ({
    labels,
    points: new Map([...points].map(([place, point]) => [place, toCustomBuckets(point)] as const)),
  }));
}

function toCustomBuckets({ buckets, count, sum }: ClassicPoint): HistogramValue {
  const sorted = [...buckets].sort(([a], [b]) => a - b);
  const total = count ?? sorted.at(-1)?.[1] ?? 0;
  if (sorted.at(-1)?.[0] !== Infinity) sorted.push([Infinity, total]);
  const counts = sorted.map(([, reached], at) => reached - (sorted[at - 1]?.[1] ?? 0));
  const spans: { offset: number; length: number }[] = [];
  const kept: number[] = [];
  let next = 0;
  counts.forEach((inBucket, index) => {
    if (inBucket === 0) return;
    const last = spans.at(-1);
    if (last && index === next) last.length++;
    else spans.push({ offset: index - next, length: 1 });
    kept.push(inBucket);
    next = index + 1;
  });
  return {
    schema: -53,
    count: total,
    sum,
    zeroThreshold: 0,
    zeroCount: 0,
    positiveSpans: spans,
    positiveCounts: kept,
    negativeSpans: [],
    negativeCounts: [],
    customBounds: sorted.slice(0, -1).map(([bound]) => bound),
    counterReset: 'unknown',
  };
}

function parseBound(text: string): number {
  if (/^\+?inf$/i.test(text)) return Infinity;
  if (/^-inf$/i.test(text)) return -Infinity;
  return text === '' ? NaN : Number(text);
}

import { METRIC_NAME_LABEL } from '#telemetry';
import type { Head } from './head/head.ts';
import type { LabelValues } from './index/label-values.ts';
import type { SeriesIndex } from './index/series-index.ts';

interface NamedCount {
  readonly name: string;
  readonly value: number;
}

/** The top offenders, as Prometheus's `status/tsdb` lists them. */
export interface CardinalityStatus {
  readonly seriesCountByMetricName: readonly NamedCount[];
  readonly labelValueCountByLabelName: readonly NamedCount[];
  /** The length of all values of a label name, in UTF-16 units. */
  readonly memoryInBytesByLabelName: readonly NamedCount[];
  readonly seriesCountByLabelValuePair: readonly NamedCount[];
}

export function cardinalityOf(index: SeriesIndex, limit: number): CardinalityStatus {
  const metrics = new TopCounts(limit);
  const values = new TopCounts(limit);
  const memory = new TopCounts(limit);
  const pairs = new TopCounts(limit);
  for (const labelValues of index.names()) {
    values.offer(labelValues.name, labelValues.valueCount);
    memory.offer(labelValues.name, offerValues(labelValues, { metrics, pairs }));
  }
  return {
    seriesCountByMetricName: metrics.list(),
    labelValueCountByLabelName: values.list(),
    memoryInBytesByLabelName: memory.list(),
    seriesCountByLabelValuePair: pairs.list(),
  };
}

/** The times of the oldest float sample and of the newest sample in memory. */
export function timeRangeOf(
  index: SeriesIndex,
  { states, chunks }: Head,
): { readonly minTimeMs: number | null; readonly maxTimeMs: number | null } {
  let minMs = Number.POSITIVE_INFINITY;
  let maxMs = Number.NEGATIVE_INFINITY;
  for (const ref of index.select([])) {
    const newestMs = states.newestMs[ref] ?? Number.NEGATIVE_INFINITY;
    if (newestMs === Number.NEGATIVE_INFINITY) continue;
    const first = states.firstChunks[ref] ?? 0;
    if (first !== 0) minMs = Math.min(minMs, chunks.minMs[first] ?? 0);
    else if ((states.counts[ref] ?? 0) > 0) minMs = Math.min(minMs, states.firstMs[ref] ?? 0);
    else minMs = Math.min(minMs, newestMs);
    maxMs = Math.max(maxMs, newestMs);
  }
  return minMs > maxMs ? { minTimeMs: null, maxTimeMs: null } : { minTimeMs: minMs, maxTimeMs: maxMs };
}

function offerValues(labelValues: LabelValues, into: { metrics: TopCounts; pairs: TopCounts }): number {
  let length = 0;
  for (const value of labelValues.values()) {
    const count = labelValues.countOf(value);
    length += value.length;
    if (labelValues.name === METRIC_NAME_LABEL) into.metrics.offer(value, count);
    if (count > into.pairs.least) into.pairs.offer(`${labelValues.name}=${value}`, count);
  }
  return length;
}

/** Keeps the largest few of many counts. */
class TopCounts {
  readonly #limit: number;
  #top: NamedCount[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** What a count has to exceed to be kept. */
  get least(): number {
    return this.#top.length < this.#limit ? 0 : (this.#top.at(-1)?.value ?? 0);
  }

  offer(name: string, value: number): void {
    if (value <= this.least) return;
    this.#top.push({ name, value });
    this.#top.sort((a, b) => b.value - a.value || (a.name < b.name ? -1 : 1));
    this.#top.length = Math.min(this.#top.length, this.#limit);
  }

  list(): readonly NamedCount[] {
    return this.#top;
  }
}

import { METRIC_NAME_LABEL, type Stretch } from '#telemetry';
import type { Head } from './head/head.ts';
import type { SeriesIndex } from './index/series-index.ts';
import { TopCounts, type NamedCount } from './top-counts.ts';

/** Series or label values looked at between two looks at the clock. */
const LOOKED_AT_PER_LOOK = 512;

/** The top offenders, as Prometheus's `status/tsdb` lists them. */
export interface CardinalityStatus {
  readonly seriesCountByMetricName: readonly NamedCount[];
  readonly labelValueCountByLabelName: readonly NamedCount[];
  /** The length of all values of a label name, in UTF-16 units. */
  readonly memoryInBytesByLabelName: readonly NamedCount[];
  readonly seriesCountByLabelValuePair: readonly NamedCount[];
}

/** The most used names and values, `limit` of each kind. */
export async function cardinalityOf(
  index: SeriesIndex,
  limit: number,
  stretch: Stretch,
): Promise<CardinalityStatus> {
  const metrics = new TopCounts(limit);
  const values = new TopCounts(limit);
  const memory = new TopCounts(limit);
  const pairs = new TopCounts(limit);
  let seen = 0;
  for (const labelValues of index.names()) {
    const { name } = labelValues;
    let length = 0;
    for (const [value, count] of labelValues.counts()) {
      if (++seen % LOOKED_AT_PER_LOOK === 0 && stretch.isOver) await stretch.pause();
      length += value.length;
      if (name === METRIC_NAME_LABEL) metrics.offer(value, count);
      if (count > pairs.least) pairs.offer(`${name}=${value}`, count);
    }
    values.offer(name, labelValues.valueCount);
    memory.offer(name, length);
  }
  const listOf = async (counts: TopCounts): Promise<readonly NamedCount[]> => {
    if (stretch.isOver) await stretch.pause();
    return counts.list();
  };
  return {
    seriesCountByMetricName: await listOf(metrics),
    labelValueCountByLabelName: await listOf(values),
    memoryInBytesByLabelName: await listOf(memory),
    seriesCountByLabelValuePair: await listOf(pairs),
  };
}

/** The times of the oldest sample and of the newest sample in memory. */
export async function timeRangeOf(
  index: SeriesIndex,
  head: Head,
  stretch: Stretch,
): Promise<{ readonly minTimeMs: number | null; readonly maxTimeMs: number | null }> {
  let minMs = Number.POSITIVE_INFINITY;
  let maxMs = Number.NEGATIVE_INFINITY;
  const rows = index.select([]).slice();
  for (let at = 0; at < rows.length; at++) {
    if (at % LOOKED_AT_PER_LOOK === 0 && stretch.isOver) await stretch.pause();
    const row = rows[at] ?? 0;
    const newestMs = head.states.newestMs(row);
    if (newestMs === Number.NEGATIVE_INFINITY) continue;
    minMs = Math.min(minMs, head.oldestMs(row), newestMs);
    maxMs = Math.max(maxMs, newestMs);
  }
  return minMs > maxMs ? { minTimeMs: null, maxTimeMs: null } : { minTimeMs: minMs, maxTimeMs: maxMs };
}

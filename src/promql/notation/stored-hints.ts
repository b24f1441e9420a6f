import type { HistogramValue } from '#telemetry';
import type { NotedPoint } from './series-notation.ts';

type TimedPoint = readonly [timeMs: number, point: NotedPoint];

/** The points of a series, in the order of time, as `StoredHints` gives them. */
export function withStoredHints(points: readonly TimedPoint[]): readonly TimedPoint[] {
  const hints = new StoredHints();
  return points.map(([timeMs, point]) => {
    if (point.kind === 'histogram')
      return [timeMs, { ...point, histogram: hints.next(point.histogram) }] as const;
    hints.interrupt();
    return [timeMs, point] as const;
  });
}

/**
 * The histograms of one series, in the order of time, with the counter reset hints they come back with from Prometheus's
 * store: a histogram that continues the one before it is `not_reset`, one that does not is `unknown`, even where a reset
 * was written down. Only `gauge` is kept.
 */
export class StoredHints {
  #previous: HistogramValue | null = null;

  next(histogram: HistogramValue): HistogramValue {
    const isContinued = this.#previous !== null && continues(this.#previous, histogram);
    this.#previous = histogram;
    const counterReset = histogram.counterReset === 'gauge' ? 'gauge' : isContinued ? 'not_reset' : 'unknown';
    return { ...histogram, counterReset };
  }

  /** Something else stands between two histograms. */
  interrupt(): void {
    this.#previous = null;
  }
}

function continues(before: HistogramValue, after: HistogramValue): boolean {
  return (
    before.counterReset !== 'gauge' &&
    after.counterReset !== 'reset' &&
    !(after.count < before.count) &&
    after.schema === before.schema &&
    after.zeroThreshold === before.zeroThreshold &&
    after.customBounds.join() === before.customBounds.join() &&
    !(after.zeroCount < before.zeroCount) &&
    coversBuckets(after.positiveSpans, after.positiveCounts, before.positiveSpans, before.positiveCounts) &&
    coversBuckets(after.negativeSpans, after.negativeCounts, before.negativeSpans, before.negativeCounts)
  );
}

type Spans = HistogramValue['positiveSpans'];

/** Whether no populated bucket has gone or become smaller. */
function coversBuckets(
  afterSpans: Spans,
  afterCounts: readonly number[],
  beforeSpans: Spans,
  beforeCounts: readonly number[],
): boolean {
  const after = countsByIndex(afterSpans, afterCounts);
  return [...countsByIndex(beforeSpans, beforeCounts)].every(([index, count]) => {
    const now = after.get(index);
    return now === undefined ? count === 0 : !(now < count);
  });
}

/** The counts of one side's buckets by their indexes. */
export function countsByIndex(spans: Spans, counts: readonly number[]): ReadonlyMap<number, number> {
  const byIndex = new Map<number, number>();
  let index = 0;
  let at = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let place = 0; place < length; place++) byIndex.set(index++, counts[at++] ?? 0);
  }
  return byIndex;
}

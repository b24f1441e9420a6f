import type { HistogramValue } from '#telemetry';
import { formatGeneral } from '../syntax/text-literals.ts';
import { bucketsOf } from './bucket-walk.ts';
import { usesCustomBuckets } from './schema.ts';

/** `{count:3, sum:2.5, [-0.001,0.001]:1, (0.5,1]:2}`: a histogram as text, empty buckets left out. */
export function describeHistogram(histogram: HistogramValue): string {
  const isCustom = usesCustomBuckets(histogram);
  const buckets = bucketsOf(histogram)
    .filter(({ count }) => count !== 0)
    .map(({ lower, upper, count }) => {
      const includesLower = isCustom ? lower === -Infinity : lower < 0;
      const includesUpper = isCustom || upper > 0;
      const bounds = `${formatGeneral(lower)},${formatGeneral(upper)}`;
      return `, ${includesLower ? '[' : '('}${bounds}${includesUpper ? ']' : ')'}:${formatGeneral(count)}`;
    });
  return `{count:${formatGeneral(histogram.count)}, sum:${formatGeneral(histogram.sum)}${buckets.join('')}}`;
}

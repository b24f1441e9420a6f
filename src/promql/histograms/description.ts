import type { HistogramValue } from '#telemetry';
import { formatGeneral } from '../syntax/text-literals.ts';
import { boundsIncluded, wholeBucketsOf } from './bucket-walk.ts';

/** `{count:3, sum:2.5, [-0.001,0.001]:1, (0.5,1]:2}`: a histogram as text, empty buckets left out. */
export function describeHistogram(histogram: HistogramValue): string {
  const buckets = wholeBucketsOf(histogram)
    .filter(({ count }) => count !== 0)
    .map(({ lower, upper, count }) => {
      const included = boundsIncluded({ lower, upper, count }, histogram);
      const bounds = `${formatGeneral(lower)},${formatGeneral(upper)}`;
      return `, ${included.lower ? '[' : '('}${bounds}${included.upper ? ']' : ')'}:${formatGeneral(count)}`;
    });
  return `{count:${formatGeneral(histogram.count)}, sum:${formatGeneral(histogram.sum)}${buckets.join('')}}`;
}

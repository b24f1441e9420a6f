import type { HistogramValue } from '#telemetry';
import { bucketsOf } from '../histograms/bucket-walk.ts';
import { KahanSum } from '../evaluation/kahan.ts';
import { byRows, type Steps } from '../evaluation/pacing.ts';
import { ABSENT, HISTOGRAM, type VectorTable } from '../evaluation/vector-table.ts';
import { usesCustomBuckets } from '../histograms/schema.ts';

/** Functions that compute a float from a native histogram; floats fall away. */
export const HISTOGRAM_FUNCTIONS: ReadonlyMap<string, (histogram: HistogramValue) => number> = new Map([
  ['histogram_count', (histogram: HistogramValue) => histogram.count],
  ['histogram_sum', (histogram: HistogramValue) => histogram.sum],
  ['histogram_avg', (histogram: HistogramValue) => histogram.sum / histogram.count],
  ['histogram_stdvar', varianceOf],
  ['histogram_stddev', (histogram: HistogramValue) => Math.sqrt(varianceOf(histogram))],
]);

export function mapHistograms(
  table: VectorTable,
  compute: (histogram: HistogramValue) => number,
): Steps<void> {
  return byRows(table, (row) => {
    table.dropsName[row] = true;
    for (let cell = row * table.stepCount; cell < (row + 1) * table.stepCount; cell++) {
      if (table.kinds[cell] === HISTOGRAM) table.setFloat(cell, compute(table.histogramAt(cell)));
      else table.kinds[cell] = ABSENT;
    }
  });
}

/**
 * The variance under the assumption that a bucket's observations sit at its middle: the arithmetic one of custom
 * buckets, the geometric one of exponential buckets, 0 in the zero bucket.
 */
function varianceOf(histogram: HistogramValue): number {
  const mean = histogram.sum / histogram.count;
  const isCustom = usesCustomBuckets(histogram);
  const squares = new KahanSum();
  for (const { lower, upper, count } of bucketsOf(histogram)) {
    if (count === 0) continue;
    const distance = middleOf(lower, upper, isCustom) - mean;
    squares.add(count * distance * distance);
  }
  return squares.total / histogram.count;
}

function middleOf(lower: number, upper: number, isCustom: boolean): number {
  if (isCustom) return (lower + upper) / 2;
  if (lower <= 0 && upper >= 0) return 0;
  const geometric = Math.sqrt(upper * lower);
  return upper < 0 ? -geometric : geometric;
}

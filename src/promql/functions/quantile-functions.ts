import type { Labels } from '#telemetry';
import type { Annotations } from '../annotations.ts';
import { metricNameOf, withLabel } from '../evaluation/label-sets.ts';
import type { Steps } from '../evaluation/pacing.ts';
import { OutputRows } from '../evaluation/output-rows.ts';
import { timeAt, type VectorTable } from '../evaluation/vector-table.ts';
import { nativeFraction, nativeQuantile } from '../histograms/native-quantiles.ts';
import type { Position } from '../syntax/position.ts';
import { formatGeneral } from '../syntax/text-literals.ts';
import { eachHistogram, type QuantileContext } from './histogram-rows.ts';

/** `histogram_quantile`, or, with a label for φ, `histogram_quantiles`. */
export interface WantedQuantile {
  readonly phi: Float64Array;
  readonly position: Position;
}

/**
 * The quantiles of classic histograms (by their `le` labels) and of native ones; with `phiLabel`, φ is put there.
 */
export function* histogramQuantiles(
  table: VectorTable,
  wanted: readonly WantedQuantile[],
  context: QuantileContext & { readonly phiLabel: string | null },
): Steps<VectorTable> {
  const { annotations, grid, position, phiLabel } = context;
  noteInvalidQuantiles(table.stepCount, wanted, annotations);
  const rows = new OutputRows(table.stepCount, table.rowCount);
  const put = (labels: Labels, { phi, value, step }: QuantileAtStep): void => {
    const all = phiLabel === null ? labels : withLabel(labels, phiLabel, phiText(phi));
    const cell = rows.rowOf(all, true) + step;
    rows.assertFree(cell);
    rows.table.setFloat(cell, value);
  };
  yield* eachHistogram(table, context, {
    native(labels, histogram, step) {
      for (const { phi: phis } of wanted) {
        const phi = phis[step] ?? NaN;
        const { value, effect } = nativeQuantile(phi, histogram);
        if (effect !== 'none') annotations.quantileOfNaNObservations(metricNameOf(labels), effect, position);
        put(labels, { phi, value, step });
      }
    },
    classic(labels, buckets, step) {
      for (const { phi: phis } of wanted) {
        const phi = phis[step] ?? NaN;
        const { value, correction } = buckets.quantile(phi);
        if (correction) {
          const timeMs = timeAt(grid, step);
          const extent = { ...correction, minTimeMs: timeMs, maxTimeMs: timeMs, samples: 1 };
          annotations.forcedMonotonicity(metricNameOf(labels), extent, position);
        }
        put(labels, { phi, value, step });
      }
    },
  });
  return rows.table;
}

interface QuantileAtStep {
  readonly phi: number;
  readonly value: number;
  readonly step: number;
}

function noteInvalidQuantiles(
  stepCount: number,
  wanted: readonly WantedQuantile[],
  annotations: Annotations,
): void {
  for (const { phi, position } of wanted) {
    for (let step = 0; step < stepCount; step++) {
      const value = phi[step] ?? NaN;
      if (!(value >= 0 && value <= 1)) annotations.invalidQuantile(value, position);
    }
  }
}

/** φ as a label's value: an integer with `.0`, as OpenMetrics writes floats. */
function phiText(phi: number): string {
  const text = formatGeneral(phi);
  return Number.isInteger(phi) && !text.includes('e') ? `${text}.0` : text;
}

/** The share of observations between two values, of classic and native histograms. */
export function* histogramFractions(
  table: VectorTable,
  { lower, upper }: { readonly lower: Float64Array; readonly upper: Float64Array },
  context: QuantileContext,
): Steps<VectorTable> {
  const { annotations, position } = context;
  const rows = new OutputRows(table.stepCount, table.rowCount);
  const put = (labels: Labels, value: number, step: number): void => {
    const cell = rows.rowOf(labels, true) + step;
    rows.assertFree(cell);
    rows.table.setFloat(cell, value);
  };
  yield* eachHistogram(table, context, {
    native(labels, histogram, step) {
      const { value, effect } = nativeFraction(lower[step] ?? NaN, upper[step] ?? NaN, histogram);
      if (effect !== 'none') annotations.fractionOfNaNObservations(metricNameOf(labels), position);
      put(labels, value, step);
    },
    classic(labels, buckets, step) {
      put(labels, buckets.fraction(lower[step] ?? NaN, upper[step] ?? NaN), step);
    },
  });
  return rows.table;
}

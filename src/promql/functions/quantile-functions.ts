import type { Labels } from '#telemetry';
import type { Annotations } from '../annotations.ts';
import { keyOf, metricNameOf, withLabel } from '../evaluation/label-sets.ts';
import type { Steps } from '../evaluation/pacing.ts';
import { OutputRows } from '../evaluation/output-rows.ts';
import { FLOAT, HISTOGRAM, timeAt, type StepGrid, type VectorTable } from '../evaluation/vector-table.ts';
import { classicFraction, classicQuantile, type ClassicBucket } from '../histograms/classic-quantiles.ts';
import { nativeFraction, nativeQuantile } from '../histograms/native-quantiles.ts';
import type { Position } from '../syntax/position.ts';
import { formatGeneral } from '../syntax/text-literals.ts';

export interface QuantileContext {
  readonly grid: StepGrid;
  readonly annotations: Annotations;
  /** Where the histograms' expression stands. */
  readonly position: Position;
}

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
  const rows = new OutputRows(table.stepCount, table.rowCount);
  const histograms = new HistogramRows(table, context);
  for (let step = 0; step < table.stepCount; step++) {
    for (const { phi, position: phiPosition } of wanted) {
      const value = phi[step] ?? NaN;
      if (!(value >= 0 && value <= 1)) annotations.invalidQuantile(value, phiPosition);
    }
    const found = histograms.at(step);
    yield;
    for (const { phi: phis } of wanted) {
      const phi = phis[step] ?? NaN;
      const put = (labels: Labels, value: number): void => {
        const all = phiLabel === null ? labels : withLabel(labels, phiLabel, phiText(phi));
        const cell = rows.rowOf(all, true) + step;
        rows.assertFree(cell);
        rows.table.setFloat(cell, value);
      };
      for (const row of found.native) {
        const labels = table.labels[row] ?? {};
        const { value, effect } = nativeQuantile(phi, table.histogramAt(row * table.stepCount + step));
        if (effect !== 'none') annotations.quantileOfNaNObservations(metricNameOf(labels), effect, position);
        put(labels, value);
      }
      for (const { labels, buckets } of found.classic) {
        const { value, correction } = classicQuantile(phi, buckets);
        if (correction) {
          const timeMs = timeAt(grid, step);
          const extent = { ...correction, minTimeMs: timeMs, maxTimeMs: timeMs, samples: 1 };
          annotations.forcedMonotonicity(metricNameOf(labels), extent, position);
        }
        put(labels, value);
      }
    }
  }
  return rows.table;
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
  const histograms = new HistogramRows(table, context);
  for (let step = 0; step < table.stepCount; step++) {
    const from = lower[step] ?? NaN;
    const to = upper[step] ?? NaN;
    const put = (labels: Labels, value: number): void => {
      const cell = rows.rowOf(labels, true) + step;
      rows.assertFree(cell);
      rows.table.setFloat(cell, value);
    };
    const found = histograms.at(step);
    yield;
    for (const row of found.native) {
      const labels = table.labels[row] ?? {};
      const cell = row * table.stepCount + step;
      const { value, effect } = nativeFraction(from, to, table.histogramAt(cell));
      if (effect !== 'none') annotations.fractionOfNaNObservations(metricNameOf(labels), position);
      put(labels, value);
    }
    for (const { labels, buckets } of found.classic) put(labels, classicFraction(from, to, buckets));
  }
  return rows.table;
}

/** The label that holds the upper bound of a classic histogram's bucket. */
const BOUND_LABEL = 'le';
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

/** NaN where the text is no number. */
function parseBound(text: string): number {
  const infinite = INFINITE.exec(text);
  if (infinite) return infinite[1] === '-' ? -Infinity : Infinity;
  return NUMBER.test(text) ? Number(text) : NaN;
}

interface ClassicHistogram {
  readonly labels: Labels;
  readonly buckets: readonly ClassicBucket[];
}

/** Sorts a vector's rows into native histograms and the buckets of classic ones. */
class HistogramRows {
  readonly #table: VectorTable;
  readonly #context: QuantileContext;
  /** The classic histogram each row would belong to, and its bound; NaN where `le` is no number. */
  readonly #groupOfRow: number[] = [];
  readonly #boundOfRow: number[] = [];
  readonly #labels: Labels[] = [];

  constructor(table: VectorTable, context: QuantileContext) {
    this.#table = table;
    this.#context = context;
    const groups = new Map<string, number>();
    for (const labels of table.labels) {
      const withoutBound = withLabel(labels, BOUND_LABEL, '');
      const key = keyOf(withoutBound);
      const group = groups.get(key) ?? groups.size;
      groups.set(key, group);
      this.#groupOfRow.push(group);
      this.#boundOfRow.push(parseBound(labels[BOUND_LABEL] ?? ''));
      this.#labels[group] ??= withoutBound;
    }
  }

  at(step: number): { readonly native: readonly number[]; readonly classic: readonly ClassicHistogram[] } {
    const table = this.#table;
    const { annotations, position } = this.#context;
    const native: number[] = [];
    const classic = new Map<number, ClassicBucket[]>();
    for (let row = 0; row < table.rowCount; row++) {
      const cell = row * table.stepCount + step;
      const kind = table.kinds[cell];
      if (kind === HISTOGRAM) native.push(row);
      if (kind !== FLOAT) continue;
      const labels = table.labels[row] ?? {};
      const upperBound = this.#boundOfRow[row] ?? NaN;
      if (Number.isNaN(upperBound)) {
        annotations.badBucketLabel(metricNameOf(labels), labels[BOUND_LABEL] ?? '', position);
        continue;
      }
      const group = this.#groupOfRow[row] ?? 0;
      const buckets = classic.get(group) ?? [];
      buckets.push({ upperBound, count: table.values[cell] ?? NaN });
      classic.set(group, buckets);
    }
    const pure = native.filter((row) => {
      const group = this.#groupOfRow[row] ?? 0;
      if (table.labels[row]?.[BOUND_LABEL] || !classic.has(group)) return true;
      annotations.mixedClassicAndNativeHistograms(metricNameOf(table.labels[row] ?? {}), position);
      classic.delete(group);
      return false;
    });
    const histograms = [...classic].map(([group, buckets]) => ({
      labels: this.#labels[group] ?? {},
      buckets,
    }));
    return { native: pure, classic: histograms };
  }
}

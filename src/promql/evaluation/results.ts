import type { HistogramValue } from '#telemetry';
import type { MatrixSeries, VectorElement } from '../query-result.ts';
import { firstAfter } from './ascending-times.ts';
import { labelOrderOf } from './label-order.ts';
import { withoutMetricName } from './label-sets.ts';
import { mergeEqualRows } from './output-rows.ts';
import { byBlocks, byRows, SAMPLES_AT_ONCE, sortInSteps, type Steps } from './pacing.ts';
import type { QueryGuard } from './query-guard.ts';
import type { Runs, SampleRun } from './sample-run.ts';
import { ABSENT, HISTOGRAM, timeAt, type StepGrid, type VectorTable } from './vector-table.ts';

/** Removes the metric names that are due; rows that are then alike become one. */
export function* dropNames(table: VectorTable): Steps<VectorTable> {
  let dropped = false;
  yield* byRows(table, (row) => {
    if (!table.dropsName[row]) return;
    const labels = table.labels[row] ?? {};
    const bare = withoutMetricName(labels);
    if (bare === labels) return;
    table.labels[row] = bare;
    dropped = true;
  });
  return dropped ? yield* mergeEqualRows(table) : table;
}

/** The elements of a table of one step, in its order. */
export function* elementsOf(table: VectorTable, timestampMs: number): Steps<readonly VectorElement[]> {
  const elements: VectorElement[] = [];
  yield* byRows(table, (row) => {
    const kind = table.kinds[row];
    if (kind === ABSENT) return;
    const labels = table.labels[row] ?? {};
    elements.push(
      kind === HISTOGRAM
        ? { labels, value: NaN, histogram: table.histogramAt(row), timestampMs }
        : { labels, value: table.values[row] ?? NaN, timestampMs },
    );
  });
  return elements;
}

/** A table's rows as series, sorted by their labels. */
export function* seriesOf(table: VectorTable, grid: StepGrid): Steps<readonly MatrixSeries[]> {
  const series: MatrixSeries[] = [];
  yield* byRows(table, (row) => {
    if (table.hasSamples(row)) series.push(seriesOfRow(table, row, grid));
  });
  return yield* sortedByLabels(series);
}

function seriesOfRow(table: VectorTable, row: number, grid: StepGrid): MatrixSeries {
  const start = row * table.stepCount;
  const end = start + table.stepCount;
  let count = 0;
  let hasHistograms = false;
  for (let cell = start; cell < end; cell++) {
    if (table.kinds[cell] !== ABSENT) count++;
    if (table.kinds[cell] === HISTOGRAM) hasHistograms = true;
  }
  const timestampsMs = new Float64Array(count);
  const values = new Float64Array(count);
  const histograms: (HistogramValue | null)[] = [];
  let at = 0;
  for (let cell = start; cell < end; cell++) {
    const kind = table.kinds[cell];
    if (kind === ABSENT) continue;
    timestampsMs[at] = timeAt(grid, cell - start);
    values[at++] = kind === HISTOGRAM ? NaN : (table.values[cell] ?? NaN);
    if (hasHistograms) histograms.push(kind === HISTOGRAM ? table.histogramAt(cell) : null);
  }
  const labels = table.labels[row] ?? {};
  return { labels, timestampsMs, values, ...(hasHistograms ? { histograms } : {}) };
}

/** Series in the order of their labels. */
export function* sortedByLabels(series: readonly MatrixSeries[]): Steps<readonly MatrixSeries[]> {
  const compare = yield* labelOrderOf(series.map(({ labels }) => labels));
  const places = yield* sortInSteps([...series.keys()], compare);
  return places.flatMap((place) => series[place] ?? []);
}

/** The samples of runs within (startMs, endMs], floats and histograms in one sequence again, sorted by labels. */
export function* seriesOfRuns(
  runs: Runs,
  { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
  guard: QueryGuard,
): Steps<readonly MatrixSeries[]> {
  const series: MatrixSeries[] = [];
  for (let place = 0; place < runs.runCount; place++) {
    const long = runs.longRunAt(place);
    const run = long ? yield* long : runs.runAt(place);
    const within = yield* samplesWithin(run, startMs, endMs);
    const count = within.timestampsMs.length;
    guard.count(count, count);
    if (guard.spend(run.times.length + run.histogramTimes.length)) yield;
    if (count === 0) continue;
    series.push({ labels: run.dropsName ? withoutMetricName(run.labels) : run.labels, ...within });
  }
  return yield* sortedByLabels(series);
}

function* samplesWithin(
  { times, values, histogramTimes, histograms }: SampleRun,
  startMs: number,
  endMs: number,
): Steps<Omit<MatrixSeries, 'labels'>> {
  const from = firstAfter(times, 0, startMs);
  const to = firstAfter(times, from, endMs);
  const histogramFrom = firstAfter(histogramTimes, 0, startMs);
  const histogramTo = firstAfter(histogramTimes, histogramFrom, endMs);
  // Copies: the run's arrays are good until the next one is read.
  if (histogramFrom >= histogramTo) {
    return {
      timestampsMs: yield* copyOf(times.subarray(from, to)),
      values: yield* copyOf(values.subarray(from, to)),
    };
  }
  const count = to - from + histogramTo - histogramFrom;
  const merged = {
    timestampsMs: new Float64Array(count),
    values: new Float64Array(count).fill(NaN),
    histograms: Array<HistogramValue | null>(count).fill(null),
  };
  let float = from;
  let histogram = histogramFrom;
  for (let at = 0; at < count; at++) {
    const floatMs = float < to ? (times[float] ?? 0) : Infinity;
    const histogramMs = histogram < histogramTo ? (histogramTimes[histogram] ?? 0) : Infinity;
    merged.timestampsMs[at] = Math.min(floatMs, histogramMs);
    if (floatMs <= histogramMs) merged.values[at] = values[float++] ?? NaN;
    else merged.histograms[at] = histograms[histogram++] ?? null;
  }
  return merged;
}

/** A copy, where numbers are given between these two. */
export function* copyOf(
  numbers: Float64Array,
  around: readonly [number, number] | null = null,
): Steps<Float64Array> {
  if (!around && numbers.length <= SAMPLES_AT_ONCE) return numbers.slice();
  const start = around ? 1 : 0;
  const copy = new Float64Array(numbers.length + 2 * start);
  yield* byBlocks(numbers.length, (from, to) => copy.set(numbers.subarray(from, to), start + from));
  if (around) {
    copy[0] = around[0];
    copy[copy.length - 1] = around[1];
  }
  return copy;
}

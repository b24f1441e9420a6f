import type { HistogramValue } from '#telemetry';
import type { MatrixSeries, VectorElement } from '../query-result.ts';
import { labelOrderOf } from './label-order.ts';
import { withoutMetricName } from './label-sets.ts';
import { mergeEqualRows } from './output-rows.ts';
import { byRows, sortInSteps, type Steps } from './pacing.ts';
import type { Runs } from './sample-run.ts';
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

function* sortedByLabels(series: readonly MatrixSeries[]): Steps<readonly MatrixSeries[]> {
  const compare = yield* labelOrderOf(series.map(({ labels }) => labels));
  const places = yield* sortInSteps([...series.keys()], compare);
  return places.flatMap((place) => series[place] ?? []);
}

/** The samples of runs within (startMs, endMs], floats and histograms in one sequence again, sorted by labels. */
export function* seriesOfRuns(runs: Runs, startMs: number, endMs: number): Steps<readonly MatrixSeries[]> {
  const series: MatrixSeries[] = [];
  for (let place = 0; place < runs.runCount; place++) {
    const run = runs.runAt(place);
    if (place % 100 === 99) yield;
    const samples: { timeMs: number; value: number; histogram: HistogramValue | null }[] = [];
    run.times.forEach((timeMs, at) => {
      samples.push({ timeMs, value: run.values[at] ?? NaN, histogram: null });
    });
    run.histogramTimes.forEach((timeMs, at) => {
      samples.push({ timeMs, value: NaN, histogram: run.histograms[at] ?? null });
    });
    const within = samples
      .filter(({ timeMs }) => timeMs > startMs && timeMs <= endMs)
      .sort((a, b) => a.timeMs - b.timeMs);
    if (within.length === 0) continue;
    const hasHistograms = within.some(({ histogram }) => histogram !== null);
    series.push({
      labels: run.dropsName ? withoutMetricName(run.labels) : run.labels,
      timestampsMs: Float64Array.from(within, ({ timeMs }) => timeMs),
      values: Float64Array.from(within, ({ value }) => value),
      ...(hasHistograms ? { histograms: within.map(({ histogram }) => histogram) } : {}),
    });
  }
  return yield* sortedByLabels(series);
}

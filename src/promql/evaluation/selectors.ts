import { isStaleMarker, type LatestSamples, type SelectedSeries, wordsOf } from '#telemetry';
import { withResetHints } from '../histograms/statistics.ts';
import type { VectorSelector } from '../syntax/ast.ts';
import { firstAfter } from './ascending-times.ts';
import { BlockTable, type RowTarget } from './block-table.ts';
import type { EvaluationContext } from './evaluation-context.ts';
import type { Steps } from './pacing.ts';
import { longRunOf, runOf, type Runs, type SampleRun } from './sample-run.ts';
import { evaluationError } from './query-error.ts';
import { resolveAt } from './selection-plan.ts';
import type { SelectedSeriesReader } from './series-readers.ts';
import { VectorTable, timeAt, type StepGrid } from './vector-table.ts';

/**
 * What a table's float cells are to hold: the samples' values, or the times they were taken at in seconds; `float_timestamp`:
 * only floats are expected, a histogram fails the query; `start`: the times they began counting at, 0 where that is not known.
 */
export type SelectedAspect = 'value' | 'timestamp' | 'float_timestamp' | 'start';

/**
 * The instant vector of a selector at every step: the newest sample in (t − lookback, t] unless it is stale. Where
 * somebody takes its rows, they get them in blocks, and the table is empty in the end.
 */
export function* evaluateSelector(
  selector: VectorSelector,
  { grid, context, takeRows = null }: RowTarget,
  aspect: SelectedAspect = 'value',
): Steps<VectorTable> {
  const latest = context.data.latest.get(selector);
  if (latest) {
    const all = selectLatest(selector, latest, { grid, context, aspect });
    if (takeRows) yield* takeRows(all);
    return all;
  }
  const reader = readerOf(selector, context);
  const { guard } = context;
  const output = new BlockTable({ grid, guard, takeRows }, reader.seriesCount);
  const { table } = output;
  const statistics = context.data.statisticsOnly.has(selector);
  for (let place = 0; place < reader.seriesCount; place++) {
    const long = reader.readLong(place);
    const one = long ? yield* long : reader.read(place);
    const series =
      statistics && one.histograms ? { ...one, histograms: withResetHints(one.histograms) } : one;
    const cell = table.addRow(series.labels, false);
    const found = fillRow({ table, cell }, series, { selector, grid, context, aspect });
    if (found === 0) table.dropLastRow();
    output.hold(found);
    guard.count(found, found);
    if (output.isFull) yield* output.handOver();
    if (guard.spend(grid.stepCount + one.values.length)) yield;
  }
  if (takeRows) yield* output.handOver();
  return table;
}

interface RowOptions {
  readonly grid: StepGrid;
  readonly context: EvaluationContext;
  readonly aspect: SelectedAspect;
}

/** Answers how many steps found a sample. */
function fillRow(
  { table, cell: rowCell }: { readonly table: VectorTable; readonly cell: number },
  series: SelectedSeries,
  { selector, grid, context, aspect }: RowOptions & { readonly selector: VectorSelector },
): number {
  const { timestampsMs, values, histograms } = series;
  const words = wordsOf(values);
  const { lookbackMs } = context;
  const fixedMs = selector.at && resolveAt(selector.at, context.query);
  let next = 0;
  let found = 0;
  for (let step = 0; step < grid.stepCount; step++) {
    const timeMs = (fixedMs ?? timeAt(grid, step)) - selector.offsetMs;
    next = firstAfter(timestampsMs, next, timeMs);
    const at = next - 1;
    if (at < 0) continue;
    const sampleMs = timestampsMs[at] ?? 0;
    if (sampleMs <= timeMs - lookbackMs) continue;
    const histogram = histograms?.[at];
    if (!histogram && isStaleMarker(words, at)) continue;
    if (aspect === 'float_timestamp' && histogram) throw noInfo();
    if (aspect === 'start') table.setFloat(rowCell + step, (series.startTimestampsMs?.[at] ?? 0) / 1000);
    else if (aspect !== 'value') table.setFloat(rowCell + step, sampleMs / 1000);
    else if (histogram) table.setHistogram(rowCell + step, histogram);
    else table.setFloat(rowCell + step, values[at] ?? NaN);
    found++;
  }
  return found;
}

function selectLatest(
  selector: VectorSelector,
  latest: LatestSamples,
  { grid, context, aspect }: RowOptions,
): VectorTable {
  const { labels, timestampsMs, values, histograms } = latest;
  const words = wordsOf(values);
  const fixedMs = selector.at && resolveAt(selector.at, context.query);
  const timeMs = (fixedMs ?? grid.startMs) - selector.offsetMs;
  const oldestMs = timeMs - context.lookbackMs;
  const isPlain = grid.stepCount === 1 && aspect === 'value' && !histograms;
  if (isPlain && allCurrent(latest, oldestMs, timeMs)) {
    context.guard.count(labels.length, labels.length);
    return VectorTable.ofFloats(labels, values);
  }
  context.guard.checkTable(grid.stepCount, labels.length);
  const table = new VectorTable(grid.stepCount, labels.length);
  for (let row = 0; row < labels.length; row++) {
    const sampleMs = timestampsMs[row] ?? 0;
    if (sampleMs > timeMs || sampleMs <= oldestMs) continue;
    const histogram = histograms?.[row];
    if (!histogram && isStaleMarker(words, row)) continue;
    if (aspect === 'float_timestamp' && histogram) throw noInfo();
    const first = table.addRow(labels[row] ?? {}, false);
    context.guard.count(grid.stepCount, grid.stepCount);
    for (let cell = first; cell < first + grid.stepCount; cell++) {
      if (aspect !== 'value') table.setFloat(cell, sampleMs / 1000);
      else if (histogram) table.setHistogram(cell, histogram);
      else table.setFloat(cell, values[row] ?? NaN);
    }
  }
  return table;
}

function noInfo(): Error {
  return evaluationError('info sample should be float');
}

/** Whether every sample lies in (oldestMs, newestMs] and none is a staleness marker. */
function allCurrent({ timestampsMs, values }: LatestSamples, oldestMs: number, newestMs: number): boolean {
  const words = wordsOf(values);
  for (let row = 0; row < values.length; row++) {
    const sampleMs = timestampsMs[row] ?? 0;
    if (sampleMs <= oldestMs || sampleMs > newestMs || isStaleMarker(words, row)) return false;
  }
  return true;
}

function readerOf(selector: VectorSelector, { data }: EvaluationContext): SelectedSeriesReader {
  const reader = data.series.get(selector);
  if (!reader) throw new Error('a selector was not planned');
  return reader;
}

/** The runs of a selector's series, for range functions. */
export function runsOf(selector: VectorSelector, context: EvaluationContext): Runs {
  const reader = readerOf(selector, context);
  const statistics = context.data.statisticsOnly.has(selector);
  return {
    runCount: reader.seriesCount,
    runAt(place) {
      const run = runOf(reader.read(place));
      return statistics ? hinted(run) : run;
    },
    longRunAt(place) {
      const series = reader.readLong(place);
      return series && readRun(series, statistics);
    },
  };
}

function* readRun(series: Steps<SelectedSeries>, statistics: boolean): Steps<SampleRun> {
  const run = yield* longRunOf(yield* series);
  return statistics ? hinted(run) : run;
}

function hinted(run: SampleRun): SampleRun {
  return run.histograms.length > 0 ? { ...run, histograms: withResetHints(run.histograms) } : run;
}

import type { HistogramValue } from '#telemetry';
import { firstAtOrAfter, interpolated } from '../functions/range-ends.ts';
import { interpolateHistograms } from '../histograms/interpolation.ts';
import { usesCustomBuckets } from '../histograms/schema.ts';
import type { VectorSelector } from '../syntax/ast.ts';
import { BlockTable, type RowTarget } from './block-table.ts';
import type { EvaluationContext } from './evaluation-context.ts';
import type { Steps } from './pacing.ts';
import { RangeWindow } from './range-window.ts';
import { resolveAt } from './selection-plan.ts';
import { runsOf } from './selectors.ts';
import {
  ABSENT,
  FLOAT,
  HISTOGRAM,
  type SampleKind,
  timeAt,
  type StepGrid,
  type VectorTable,
} from './vector-table.ts';

/**
 * The instant vector of a smoothed selector: at every step the value on the line between the sample before and that
 * behind, none of them further away than the lookback; behind the newest sample, that sample. As in Prometheus's
 * `smoothSeries`.
 */
export function* evaluateSmoothedSelector(
  selector: VectorSelector,
  { grid, context, takeRows = null }: RowTarget,
): Steps<VectorTable> {
  const { guard, annotations, lookbackMs } = context;
  const runs = runsOf(selector, context);
  const output = new BlockTable({ grid, guard, takeRows }, runs.runCount);
  const { table } = output;
  const window = new RangeWindow({
    rangeMs: 2 * lookbackMs,
    scalars: [],
    annotations,
    position: selector.position,
  });
  for (let place = 0; place < runs.runCount; place++) {
    const long = runs.longRunAt(place);
    const run = long ? yield* long : runs.runAt(place);
    window.enter(run);
    const cell = table.addRow(run.labels, run.dropsName);
    const found = yield* fillRow({ table, cell }, window, { selector, grid, context });
    if (found === 0) table.dropLastRow();
    output.hold(found);
    if (output.isFull) yield* output.handOver();
    if (guard.spend(grid.stepCount + run.times.length)) yield;
  }
  if (takeRows) yield* output.handOver();
  return table;
}

/** Answers how many steps have a value. */
function* fillRow(
  { table, cell }: { readonly table: VectorTable; readonly cell: number },
  window: RangeWindow,
  {
    selector,
    grid,
    context,
  }: { readonly selector: VectorSelector; readonly grid: StepGrid; readonly context: EvaluationContext },
): Steps<number> {
  const { lookbackMs, guard, query } = context;
  const fixedMs = selector.at && resolveAt(selector.at, query);
  let found = 0;
  for (let step = 0; step < grid.stepCount; step++) {
    const timeMs = (fixedMs ?? timeAt(grid, step)) - selector.offsetMs;
    window.moveTo(timeMs - lookbackMs, timeMs + lookbackMs);
    if (guard.spend(1 + window.histogramCount)) yield;
    const kind = valueAt(window, timeMs);
    if (kind === ABSENT) continue;
    if (kind === FLOAT) table.setFloat(cell + step, window.value);
    else if (window.histogram) table.setHistogram(cell + step, window.histogram);
    found++;
    guard.count(1, 1);
  }
  return found;
}

function valueAt(window: RangeWindow, timeMs: number): SampleKind {
  if (window.histogramCount > 0) {
    if (window.floatCount === 0) return histogramAt(window, timeMs);
    window.annotations.mixedFloatsAndHistograms(window.metricName, window.position);
    return ABSENT;
  }
  if (window.floatCount === 0) return ABSENT;
  const { times, values, from, to } = window;
  const next = firstAtOrAfter(times, from, timeMs);
  if (next < to && times[next] === timeMs) window.value = values[next] ?? NaN;
  else if (next === from) return ABSENT;
  else if (next < to) window.value = interpolated(window, next, { timeMs, isCounter: false });
  else window.value = values[next - 1] ?? NaN;
  return FLOAT;
}

function histogramAt(window: RangeWindow, timeMs: number): SampleKind {
  const { histogramTimes: times, histograms, histogramFrom: from, histogramTo: to } = window;
  const next = firstAtOrAfter(times, from, timeMs);
  const after = next < to ? histograms[next] : undefined;
  const before = next > from ? histograms[next - 1] : undefined;
  if (after && times[next] === timeMs) window.histogram = after;
  else if (!before) return ABSENT;
  else if (after) {
    const startMs = times[next - 1] ?? 0;
    const between = histogramBetween(
      window,
      [before, after],
      (timeMs - startMs) / ((times[next] ?? 0) - startMs),
    );
    if (!between) return ABSENT;
    window.histogram = between;
    // What a hint says is about two samples, and not about the value.
  } else window.histogram = { ...before, counterReset: 'unknown' };
  return HISTOGRAM;
}

/** Gauges are those that both say that they are. */
function histogramBetween(
  { annotations, metricName, position }: RangeWindow,
  [before, after]: readonly [HistogramValue, HistogramValue],
  fraction: number,
): HistogramValue | null {
  if (usesCustomBuckets(before) !== usesCustomBuckets(after)) {
    annotations.mixedExponentialAndCustomBuckets(metricName, position);
    return null;
  }
  const isGauge = before.counterReset === 'gauge' && after.counterReset === 'gauge';
  const options = { nature: isGauge ? 'gauge' : 'counter', annotations, metricName, position } as const;
  return interpolateHistograms([before, after], fraction, options);
}

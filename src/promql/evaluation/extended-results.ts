import { sampleEnds, valuesAtEnds, withinEnds } from '../functions/range-ends.ts';
import type { MatrixSeries } from '../query-result.ts';
import type { Boundary } from '../syntax/ast.ts';
import { firstAfter } from './ascending-times.ts';
import type { EvaluationContext } from './evaluation-context.ts';
import { evaluationError } from './query-error.ts';
import type { Steps } from './pacing.ts';
import { copyOf, sortedByLabels } from './results.ts';
import type { Runs, SampleRun } from './sample-run.ts';
import { marginOf } from './selection-plan.ts';

interface ExtendedInterval {
  readonly startMs: number;
  readonly endMs: number;
  readonly boundary: Boundary;
}

/**
 * As `seriesOfRuns`, with values at the very start and end of the interval: those of the anchors, or interpolated. As in
 * Prometheus's `extendFloats`.
 * @throws OmoiError `query_failed` where a series has histograms
 */
export function* seriesOfExtendedRuns(
  runs: Runs,
  interval: ExtendedInterval,
  { guard, lookbackMs }: EvaluationContext,
): Steps<readonly MatrixSeries[]> {
  const series: MatrixSeries[] = [];
  for (let place = 0; place < runs.runCount; place++) {
    const long = runs.longRunAt(place);
    const run = long ? yield* long : runs.runAt(place);
    const extended = yield* extendedFloats(run, interval, lookbackMs);
    if (guard.spend(run.times.length + run.histogramTimes.length)) yield;
    if (!extended) continue;
    guard.count(extended.values.length, extended.values.length);
    series.push({ labels: run.labels, ...extended });
  }
  return yield* sortedByLabels(series);
}

function* extendedFloats(
  run: SampleRun,
  { startMs, endMs, boundary }: ExtendedInterval,
  lookbackMs: number,
): Steps<Pick<MatrixSeries, 'timestampsMs' | 'values'> | null> {
  const { times, values, histogramTimes } = run;
  const { beforeMs, afterMs } = marginOf(boundary, lookbackMs);
  const indexIn = (all: Float64Array): readonly [from: number, to: number] => {
    const from = firstAfter(all, 0, startMs - beforeMs);
    return [from, firstAfter(all, from, endMs + afterMs)];
  };
  const [histogramFrom, histogramTo] = indexIn(histogramTimes);
  if (histogramFrom < histogramTo)
    throw evaluationError(`${boundary} modifier is not supported with histograms`);
  const [from, to] = indexIn(times);
  const floats = { times, values, from, to };
  const range = { startMs, endMs };
  const ends = sampleEnds(floats, range, boundary);
  if (!ends) return null;
  const { left, right } = valuesAtEnds(floats, ends, { range, boundary, isCounter: false });
  const within = withinEnds(floats, ends, range);
  const end = Math.max(within.from, within.to);
  return {
    timestampsMs: yield* copyOf(times.subarray(within.from, end), [startMs, endMs]),
    values: yield* copyOf(values.subarray(within.from, end), [left, right]),
  };
}

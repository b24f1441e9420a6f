import { type HistogramValue, isStaleMarker, type Labels, type SelectedSeries, wordsOf } from '#telemetry';
import { FLOAT, HISTOGRAM, type StepGrid, type VectorTable, timeAt } from './vector-table.ts';

/**
 * One series as range functions see it: floats and histograms apart, each in ascending time, staleness markers
 * left out.
 */
export interface SampleRun {
  readonly labels: Labels;
  /** Whether the metric name is already due to be removed (from a subquery). */
  readonly dropsName: boolean;
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly histogramTimes: Float64Array;
  readonly histograms: readonly HistogramValue[];
}

/** Runs that are made one by one as they are needed, so that the work can be spread out. */
export interface Runs {
  readonly runCount: number;
  /** Good until the next call. */
  runAt(place: number): SampleRun;
}

const NO_TIMES = new Float64Array(0);

/** The run of a selected series. Its arrays are used as they are where nothing has to be left out. */
export function runOf(series: SelectedSeries): SampleRun {
  const { labels, timestampsMs, values, histograms } = series;
  const words = wordsOf(values);
  let kept = 0;
  for (let at = 0; at < values.length; at++) {
    if (!histograms?.[at] && !isStaleMarker(words, at)) kept++;
  }
  const base = { labels, dropsName: false };
  if (kept === values.length) {
    return { ...base, times: timestampsMs, values, histogramTimes: NO_TIMES, histograms: [] };
  }
  const times = new Float64Array(kept);
  const floats = new Float64Array(kept);
  const histogramTimes: number[] = [];
  const keptHistograms: HistogramValue[] = [];
  kept = 0;
  for (let at = 0; at < values.length; at++) {
    const histogram = histograms?.[at];
    if (histogram) {
      histogramTimes.push(timestampsMs[at] ?? 0);
      keptHistograms.push(histogram);
    } else if (!isStaleMarker(words, at)) {
      times[kept] = timestampsMs[at] ?? 0;
      floats[kept++] = values[at] ?? 0;
    }
  }
  return {
    ...base,
    times,
    values: floats,
    histogramTimes: Float64Array.from(histogramTimes),
    histograms: keptHistograms,
  };
}

/** The run of a table's row: what a subquery hands to a range function. */
export function runOfRow(table: VectorTable, row: number, grid: StepGrid): SampleRun {
  const start = row * table.stepCount;
  const end = start + table.stepCount;
  let floats = 0;
  for (let cell = start; cell < end; cell++) if (table.kinds[cell] === FLOAT) floats++;
  const times = new Float64Array(floats);
  const values = new Float64Array(floats);
  const histogramTimes: number[] = [];
  const histograms: HistogramValue[] = [];
  let at = 0;
  for (let cell = start; cell < end; cell++) {
    const kind = table.kinds[cell];
    if (kind === FLOAT) {
      times[at] = timeAt(grid, cell - start);
      values[at++] = table.values[cell] ?? NaN;
    } else if (kind === HISTOGRAM) {
      histogramTimes.push(timeAt(grid, cell - start));
      histograms.push(forgetResetHint(table.histogramAt(cell)));
    }
  }
  return {
    labels: table.labels[row] ?? {},
    dropsName: table.dropsName[row] ?? false,
    times,
    values,
    histogramTimes: Float64Array.from(histogramTimes),
    histograms,
  };
}

/**
 * A subquery may skip or repeat samples, so a hint that tells about a sample and the one before it says nothing
 * about the steps of the subquery.
 */
function forgetResetHint(histogram: HistogramValue): HistogramValue {
  const { counterReset } = histogram;
  return counterReset === 'reset' || counterReset === 'not_reset'
    ? { ...histogram, counterReset: 'unknown' }
    : histogram;
}

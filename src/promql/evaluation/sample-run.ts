import { type HistogramValue, isStaleMarker, type Labels, type SelectedSeries, wordsOf } from '#telemetry';
import { byBlocks, type Steps } from './pacing.ts';
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
  /** When the samples began counting, of each kind; 0: not known. Left out where the store knows of none. */
  readonly starts?: { readonly floats: Float64Array; readonly histograms: Float64Array };
}

/** Runs that are made one by one as they are needed, so that the work can be spread out. */
export interface Runs {
  readonly runCount: number;
  /** Good until the next call. */
  runAt(place: number): SampleRun;
  /** As `runAt`, with pauses, where one is so long that it takes them; else null. */
  longRunAt(place: number): Steps<SampleRun> | null;
}

const NO_TIMES = new Float64Array(0);

/** The run of a selected series. Its arrays are used as they are where nothing has to be left out. */
export function runOf(series: SelectedSeries): SampleRun {
  const { length } = series.values;
  const floats = countFloats(series, 0, length);
  if (floats === length) return wholeRun(series);
  const run = new PartedRun(series, floats);
  run.add(0, length);
  return run.finish();
}

/** As `runOf`, with pauses. */
export function* longRunOf(series: SelectedSeries): Steps<SampleRun> {
  const { length } = series.values;
  let floats = 0;
  yield* byBlocks(length, (from, to) => {
    floats += countFloats(series, from, to);
  });
  if (floats === length) return wholeRun(series);
  const run = new PartedRun(series, floats);
  yield* byBlocks(length, (from, to) => run.add(from, to));
  return run.finish();
}

function countFloats({ values, histograms }: SelectedSeries, from: number, to: number): number {
  const words = wordsOf(values);
  let floats = 0;
  for (let at = from; at < to; at++) if (!histograms?.[at] && !isStaleMarker(words, at)) floats++;
  return floats;
}

/** Of a series of floats alone. */
function wholeRun({ labels, timestampsMs, values, startTimestampsMs }: SelectedSeries): SampleRun {
  return {
    ...(startTimestampsMs && { starts: { floats: startTimestampsMs, histograms: NO_TIMES } }),
    labels,
    dropsName: false,
    times: timestampsMs,
    values,
    histogramTimes: NO_TIMES,
    histograms: [],
  };
}

/** A run of which something is left out, or that has histograms: its arrays are copies. */
class PartedRun {
  readonly #series: SelectedSeries;
  readonly #words: Uint32Array;
  readonly #times: Float64Array;
  readonly #values: Float64Array;
  readonly #startTimes: Float64Array | null;
  readonly #histogramTimes: number[] = [];
  readonly #histogramStartTimes: number[] = [];
  readonly #histograms: HistogramValue[] = [];
  #floats = 0;

  constructor(series: SelectedSeries, floats: number) {
    this.#series = series;
    this.#words = wordsOf(series.values);
    this.#times = new Float64Array(floats);
    this.#values = new Float64Array(floats);
    this.#startTimes = series.startTimestampsMs ? new Float64Array(floats) : null;
  }

  /** Takes the samples from index `from` on, before `to`. */
  add(from: number, to: number): void {
    const { timestampsMs, values, histograms, startTimestampsMs } = this.#series;
    const words = this.#words;
    const starts = this.#startTimes;
    const times = this.#times;
    const kept = this.#values;
    let floats = this.#floats;
    for (let at = from; at < to; at++) {
      const histogram = histograms?.[at];
      if (histogram) {
        this.#histogramTimes.push(timestampsMs[at] ?? 0);
        this.#histograms.push(histogram);
        if (starts) this.#histogramStartTimes.push(startTimestampsMs?.[at] ?? 0);
      } else if (!isStaleMarker(words, at)) {
        times[floats] = timestampsMs[at] ?? 0;
        if (starts) starts[floats] = startTimestampsMs?.[at] ?? 0;
        kept[floats++] = values[at] ?? 0;
      }
    }
    this.#floats = floats;
  }

  finish(): SampleRun {
    const floats = this.#startTimes;
    return {
      ...(floats && { starts: { floats, histograms: Float64Array.from(this.#histogramStartTimes) } }),
      labels: this.#series.labels,
      dropsName: false,
      times: this.#times,
      values: this.#values,
      histogramTimes: Float64Array.from(this.#histogramTimes),
      histograms: this.#histograms,
    };
  }
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

import type { HistogramValue, Labels } from '#telemetry';
import type { Annotations } from '../annotations.ts';
import type { Position } from '../syntax/position.ts';
import { metricNameOf } from './label-sets.ts';
import type { SampleRun } from './sample-run.ts';
import type { SampleKind } from './vector-table.ts';

const NO_NUMBERS: Float64Array = new Float64Array(0);

/**
 * What a range function sees: the samples of one series in (rangeStartMs, rangeEndMs], as indexes into the
 * series' arrays, so that moving on a step moves two indexes and copies nothing. One window serves a whole
 * evaluation and is moved from step to step.
 */
export class RangeWindow {
  labels: Labels = {};
  times = NO_NUMBERS;
  values = NO_NUMBERS;
  /** Floats of the window: from `from` on, before `to`. */
  from = 0;
  to = 0;
  histogramTimes = NO_NUMBERS;
  histograms: readonly HistogramValue[] = [];
  histogramFrom = 0;
  histogramTo = 0;
  rangeStartMs = 0;
  rangeEndMs = 0;
  /** The length of the range as written, in seconds. */
  readonly rangeSeconds: number;
  /** The time the expression is evaluated at, without offset and `@`. */
  timeMs = 0;
  step = 0;
  /** The function's scalar arguments in order, one value a step. */
  readonly scalars: readonly Float64Array[];
  readonly annotations: Annotations;
  /** Where the function's first argument stands. */
  readonly position: Position;
  /** What a function answers with: read by the caller when it returned FLOAT or HISTOGRAM. */
  value = 0;
  histogram: HistogramValue | null = null;

  constructor(options: {
    readonly rangeMs: number;
    readonly scalars: readonly Float64Array[];
    readonly annotations: Annotations;
    readonly position: Position;
  }) {
    this.rangeSeconds = options.rangeMs / 1000;
    this.scalars = options.scalars;
    this.annotations = options.annotations;
    this.position = options.position;
  }

  get floatCount(): number {
    return this.to - this.from;
  }

  get histogramCount(): number {
    return this.histogramTo - this.histogramFrom;
  }

  get metricName(): string {
    return metricNameOf(this.labels);
  }

  /** The value of a scalar argument at the present step. */
  scalar(place: number): number {
    return this.scalars[place]?.[this.step] ?? NaN;
  }

  /** Begins another series. */
  enter(run: SampleRun): void {
    this.labels = run.labels;
    this.times = run.times;
    this.values = run.values;
    this.histogramTimes = run.histogramTimes;
    this.histograms = run.histograms;
    this.from = 0;
    this.to = 0;
    this.histogramFrom = 0;
    this.histogramTo = 0;
  }

  /** Moves the window forward, never back. */
  moveTo(rangeStartMs: number, rangeEndMs: number): void {
    this.rangeStartMs = rangeStartMs;
    this.rangeEndMs = rangeEndMs;
    const { times, histogramTimes } = this;
    this.to = firstAfter(times, this.to, rangeEndMs);
    this.from = firstAfter(times, this.from, rangeStartMs);
    if (histogramTimes.length === 0) return;
    this.histogramTo = firstAfter(histogramTimes, this.histogramTo, rangeEndMs);
    this.histogramFrom = firstAfter(histogramTimes, this.histogramFrom, rangeStartMs);
  }
}

/** The first index from `start` on whose time is after `timeMs`. */
function firstAfter(times: Float64Array, start: number, timeMs: number): number {
  let at = start;
  while (at < times.length && (times[at] ?? 0) <= timeMs) at++;
  return at;
}

/**
 * Computes a range function over the present window. Answers what it found and leaves the result in the window's
 * `value` or `histogram`.
 */
export type RangeFunction = (window: RangeWindow) => SampleKind;

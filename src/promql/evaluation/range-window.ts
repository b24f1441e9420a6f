import type { HistogramValue, Labels } from '#telemetry';
import type { Annotations } from '../annotations.ts';
import type { Position } from '../syntax/position.ts';
import { firstAfter } from './ascending-times.ts';
import { metricNameOf } from './label-sets.ts';
import { SAMPLES_AT_ONCE } from './pacing.ts';
import type { SampleRun } from './sample-run.ts';
import type { SampleKind } from './vector-table.ts';

const NO_NUMBERS: Float64Array = new Float64Array(0);
/** Histograms of a window that are computed without a pause. */
const HISTOGRAMS_AT_ONCE = 250;

/** How far the samples that belong to a window may lie before and behind its range. */
export interface WindowMargin {
  readonly beforeMs: number;
  readonly afterMs: number;
}

const NO_MARGIN: WindowMargin = { beforeMs: 0, afterMs: 0 };

/**
 * What a range function sees: the samples of one series in (rangeStartMs, rangeEndMs], and those of the margin around
 * it where there is one, as indexes into the series' arrays, so that moving on a step moves two indexes and copies nothing. One window serves a whole
 * evaluation and is moved from step to step.
 */
export class RangeWindow {
  labels: Labels = {};
  times = NO_NUMBERS;
  values = NO_NUMBERS;
  /** When the samples began counting, in ms; 0: not known. Empty where no sample says so, or nobody asks. */
  startTimes = NO_NUMBERS;
  histogramStartTimes = NO_NUMBERS;
  /** Floats of the window: from `from` on, before `to`. */
  from = 0;
  to = 0;
  histogramTimes = NO_NUMBERS;
  histograms: readonly HistogramValue[] = [];
  histogramFrom = 0;
  histogramTo = 0;
  /** What of the window is at hand: all of it, but for windows that are too large for one go. */
  partFrom = 0;
  partTo = 0;
  histogramPartFrom = 0;
  histogramPartTo = 0;
  rangeStartMs = 0;
  rangeEndMs = 0;
  /** The length of the range as written, in seconds. */
  readonly rangeSeconds: number;
  /** How far the samples reach beyond the range. */
  readonly #margin: WindowMargin;
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
    readonly margin?: WindowMargin;
    readonly scalars: readonly Float64Array[];
    readonly annotations: Annotations;
    readonly position: Position;
  }) {
    this.rangeSeconds = options.rangeMs / 1000;
    this.#margin = options.margin ?? NO_MARGIN;
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

  get isFirstPart(): boolean {
    return this.partFrom === this.from && this.histogramPartFrom === this.histogramFrom;
  }

  get isLastPart(): boolean {
    return this.partTo === this.to && this.histogramPartTo === this.histogramTo;
  }

  get metricName(): string {
    return metricNameOf(this.labels);
  }

  /** The value of a scalar argument at the present step. */
  scalar(place: number): number {
    return this.scalars[place]?.[this.step] ?? NaN;
  }

  /** Begins another series, whose starts are seen where they are wanted. */
  enter(run: SampleRun, starts: SampleRun['starts'] | null = null): void {
    this.startTimes = starts?.floats ?? NO_NUMBERS;
    this.histogramStartTimes = starts?.histograms ?? NO_NUMBERS;
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
    const startMs = rangeStartMs - this.#margin.beforeMs;
    const endMs = rangeEndMs + this.#margin.afterMs;
    const { times, histogramTimes } = this;
    this.to = firstAfter(times, this.to, endMs);
    this.from = firstAfter(times, this.from, startMs);
    if (histogramTimes.length > 0) {
      this.histogramTo = firstAfter(histogramTimes, this.histogramTo, endMs);
      this.histogramFrom = firstAfter(histogramTimes, this.histogramFrom, startMs);
    }
    this.#takePart(this.from, this.histogramFrom);
  }

  /** Leaves out of the window, and of those that follow, what lies before these indexes. */
  skipTo(from: number, histogramFrom: number): void {
    this.from = from;
    this.histogramFrom = histogramFrom;
    if (from > this.partTo || histogramFrom > this.histogramPartTo) this.#takePart(from, histogramFrom);
    else {
      this.partFrom = from;
      this.histogramPartFrom = histogramFrom;
    }
  }

  /** Goes on to what follows the present part. */
  moveToNextPart(): void {
    this.#takePart(this.partTo, this.histogramPartTo);
  }

  #takePart(from: number, histogramFrom: number): void {
    this.partFrom = from;
    this.partTo = this.to;
    this.histogramPartFrom = histogramFrom;
    this.histogramPartTo = this.histogramTo;
    const isSmall =
      this.to - from <= SAMPLES_AT_ONCE && this.histogramTo - histogramFrom <= HISTOGRAMS_AT_ONCE;
    if (!isSmall) this.#shortenPart();
  }

  /** Floats and histograms of one part lie in one stretch of time. */
  #shortenPart(): void {
    const { times, histogramTimes } = this;
    const floatTo = Math.min(this.to, this.partFrom + SAMPLES_AT_ONCE);
    const histogramTo = Math.min(this.histogramTo, this.histogramPartFrom + HISTOGRAMS_AT_ONCE);
    const endMs = Math.min(
      floatTo === this.to ? Infinity : (times[floatTo - 1] ?? 0),
      histogramTo === this.histogramTo ? Infinity : (histogramTimes[histogramTo - 1] ?? 0),
    );
    this.partTo = Math.min(floatTo, firstAfter(times, this.partFrom, endMs));
    this.histogramPartTo = Math.min(histogramTo, firstAfter(histogramTimes, this.histogramPartFrom, endMs));
  }
}

/**
 * Computes a range function over the present part of a window: it is called for each part in order, and keeps what it
 * needs of those before. Answers what it found up to here and leaves the result in the window's `value` or `histogram`:
 * what it says of the last part is the function's.
 */
export type RangeFunction = (window: RangeWindow) => SampleKind;

/** Makes a range function for one evaluation: what it keeps is its own. */
export type RangeFunctionMaker = () => RangeFunction;

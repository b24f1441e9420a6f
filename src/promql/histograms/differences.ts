import type { HistogramValue } from '#telemetry';
import type { Annotations } from '../annotations.ts';
import type { Position } from '../syntax/position.ts';
import { addHistograms, subtractHistograms } from './arithmetic.ts';
import { reduceResolution } from './bucket-math.ts';
import { closeHistogram, openHistogram } from './open-histogram.ts';
import { isCounterReset } from './reset-detection.ts';
import { usesCustomBuckets } from './schema.ts';
import { withoutBuckets } from './statistics.ts';

export interface DifferenceOptions {
  readonly nature: 'counter' | 'gauge';
  readonly annotations: Annotations;
  readonly metricName: string;
  readonly position: Position;
  /** Whether a sample, by its place among those that are compared, says that it began counting behind the one before. */
  readonly isStartReset?: (place: number) => boolean;
}

/**
 * How much a histogram has grown over the samples in [from, to), at least two, counter resets taken into account
 * for counters. Null, and an annotation, where the samples do not go together.
 */
export function histogramDifference(
  histograms: readonly HistogramValue[],
  from: number,
  to: number,
  options: DifferenceOptions,
): HistogramValue | null {
  const samples = histograms.slice(from, to);
  const [first, second] = samples;
  const last = samples.at(-1);
  if (!first || !second || !last) return null;
  const { nature, annotations, metricName, position } = options;
  const isCounter = nature === 'counter';
  const isReset = (place: number, current: HistogramValue, before: HistogramValue): boolean =>
    options.isStartReset?.(place) === true || isCounterReset(current, before);
  // Behind a reset the first sample no longer matters, not even whether its buckets fit.
  let previous = isCounter && isReset(1, second, first) ? emptyLike(second) : first;
  const isCustom = usesCustomBuckets(previous);
  if (usesCustomBuckets(last) !== isCustom) {
    if (isCounter) noteGauges([first, last], options);
    annotations.mixedExponentialAndCustomBuckets(metricName, position);
    return null;
  }
  const relevant = isCounter ? samples.slice(1) : [last];
  if (relevant.some((sample) => usesCustomBuckets(sample) !== isCustom)) {
    annotations.mixedExponentialAndCustomBuckets(metricName, position);
    return null;
  }
  noteNature(samples, first, last, options);
  const schema = relevant.reduce((least, sample) => Math.min(least, sample.schema), previous.schema);
  const combine = new Combination(atSchema(last, schema), options);
  combine.subtract(previous);
  if (isCounter) {
    relevant.forEach((sample, at) => {
      if (isReset(at + 1, sample, previous)) combine.add(previous);
      previous = sample;
    });
  }
  return { ...combine.histogram, counterReset: 'gauge' };
}

/** The difference of two neighbouring samples; of a counter that was reset between them, the later sample. */
export function instantHistogramDifference(
  before: HistogramValue,
  after: HistogramValue,
  options: DifferenceOptions,
): HistogramValue | null {
  const { nature, annotations, metricName, position } = options;
  noteNature([before, after], before, after, options);
  if (nature === 'counter' && (options.isStartReset?.(1) === true || isCounterReset(after, before))) {
    return { ...closeHistogram(openHistogram(after)), counterReset: 'gauge' };
  }
  if (usesCustomBuckets(before) !== usesCustomBuckets(after)) {
    annotations.mixedExponentialAndCustomBuckets(metricName, position);
    return null;
  }
  const combine = new Combination(after, options);
  combine.subtract(before);
  return { ...combine.histogram, counterReset: 'gauge' };
}

/** Annotates gauges where a counter is expected, and the other way round. */
function noteNature(
  samples: readonly HistogramValue[],
  first: HistogramValue,
  last: HistogramValue,
  options: DifferenceOptions,
): void {
  const { nature, annotations, metricName, position } = options;
  if (nature === 'counter') noteGauges(samples, options);
  else if (first.counterReset !== 'gauge' || last.counterReset !== 'gauge') {
    annotations.nativeHistogramNotGauge(metricName, position);
  }
}

function noteGauges(
  samples: readonly HistogramValue[],
  { annotations, metricName, position }: DifferenceOptions,
): void {
  if (samples.some((sample) => sample.counterReset === 'gauge')) {
    annotations.nativeHistogramNotCounter(metricName, position);
  }
}

/** A histogram that is added to and subtracted from; conflicting reset hints are no matter here. */
class Combination {
  histogram: HistogramValue;
  readonly #options: DifferenceOptions;

  constructor(histogram: HistogramValue, options: DifferenceOptions) {
    this.histogram = histogram;
    this.#options = options;
  }

  add(other: HistogramValue): void {
    this.#apply(addHistograms(this.histogram, other), 'addition');
  }

  subtract(other: HistogramValue): void {
    this.#apply(subtractHistograms(this.histogram, other), 'subtraction');
  }

  #apply(combined: ReturnType<typeof addHistograms>, operation: 'addition' | 'subtraction'): void {
    if (!combined) return;
    const { annotations, position } = this.#options;
    if (combined.boundsReconciled) annotations.customBucketsReconciled(operation, position);
    this.histogram = combined.histogram;
  }
}

function atSchema(histogram: HistogramValue, schema: number): HistogramValue {
  if (histogram.schema === schema) return histogram;
  const open = openHistogram(histogram);
  reduceResolution(open, schema);
  return closeHistogram(open);
}

function emptyLike(histogram: HistogramValue): HistogramValue {
  const { customBounds } = histogram;
  return { ...withoutBuckets(histogram), customBounds, count: 0, sum: 0, counterReset: 'unknown' };
}

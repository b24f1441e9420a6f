import { formatPosition, type Position } from './syntax/position.ts';
import { formatDecimal, formatGeneral, formatSignificant, quote } from './syntax/text-literals.ts';

interface Annotation {
  readonly level: 'warning' | 'info';
  readonly text: string;
  readonly position: Position;
  /** What several samples had to say together, behind the text. */
  readonly extent?: MonotonicityExtent;
}

/** How far a classic histogram's buckets had to be corrected. */
export interface MonotonicityExtent {
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly minBucket: number;
  readonly maxBucket: number;
  readonly maxDifference: number;
  readonly samples: number;
}

export type HistogramOperation = 'addition' | 'subtraction' | 'aggregation';

/**
 * What an evaluation noticed about a query that is still answered, in Prometheus's words. Each text is kept once,
 * with the position it was last noticed at.
 */
export class Annotations {
  readonly #byText = new Map<string, Annotation>();

  /** The warnings, each with the line and column in the query. */
  warnings(query: string): readonly string[] {
    return this.#texts('warning', query);
  }

  infos(query: string): readonly string[] {
    return this.#texts('info', query);
  }

  #texts(level: Annotation['level'], query: string): readonly string[] {
    return [...this.#byText.values()]
      .filter((annotation) => annotation.level === level)
      .map(({ text, position, extent }) => {
        const detail = extent ? `, ${describeExtent(extent)}` : '';
        return `PromQL ${level}: ${text}${detail} (${formatPosition(query, position)})`;
      });
  }

  #add(level: Annotation['level'], text: string, position: Position): void {
    this.#byText.set(`${level} ${text}`, { level, text, position });
  }

  invalidQuantile(value: number, position: Position): void {
    this.#add('warning', `quantile value should be between 0 and 1, got ${formatGeneral(value)}`, position);
  }

  invalidRatio(value: number, cappedTo: number, position: Position): void {
    const got = `${formatGeneral(value)}, capping to ${formatDecimal(cappedTo)}`;
    this.#add('warning', `ratio value should be between -1 and 1, got ${got}`, position);
  }

  badBucketLabel(metricName: string, label: string, position: Position): void {
    const text = `bucket label "le" is missing or has a malformed value of ${quote(label)}`;
    this.#add('warning', text + forMetric(metricName), position);
  }

  mixedFloatsAndHistograms(metricName: string, position: Position): void {
    this.#add(
      'warning',
      `encountered a mix of histograms and floats for metric name ${quote(metricName)}`,
      position,
    );
  }

  mixedFloatsAndHistogramsInAggregation(position: Position): void {
    this.#add('warning', 'encountered a mix of histograms and floats for aggregation', position);
  }

  mixedClassicAndNativeHistograms(metricName: string, position: Position): void {
    const text = 'vector contains a mix of classic and native histograms';
    this.#add('warning', text + forMetric(metricName), position);
  }

  nativeHistogramNotCounter(metricName: string, position: Position): void {
    this.#add('warning', `this native histogram metric is not a counter: ${quote(metricName)}`, position);
  }

  nativeHistogramNotGauge(metricName: string, position: Position): void {
    this.#add('warning', `this native histogram metric is not a gauge: ${quote(metricName)}`, position);
  }

  mixedExponentialAndCustomBuckets(metricName: string, position: Position): void {
    const text = 'vector contains a mix of histograms with exponential and custom buckets schemas';
    this.#add('warning', `${text} for metric name ${quote(metricName)}`, position);
  }

  incompatibleBucketLayout(operator: string, position: Position): void {
    this.#add('warning', `incompatible bucket layout encountered for binary operator ${operator}`, position);
  }

  sortInRangeQuery(position: Position): void {
    this.#add(
      'warning',
      'sort is ineffective for range queries since results are always ordered by labels',
      position,
    );
  }

  counterResetCollision(operation: HistogramOperation, position: Position): void {
    this.#add('warning', `conflicting counter resets during histogram ${operation}`, position);
  }

  startTimeOverlap(metricName: string, position: Position): void {
    const text = 'sample has start time that overlaps with previous sample timestamp for metric';
    this.#add('warning', `${text} ${quote(metricName)}`, position);
  }

  customBucketsReconciled(operation: HistogramOperation, position: Position): void {
    this.#add('info', `mismatched custom buckets were reconciled during ${operation}`, position);
  }

  possibleNonCounter(metricName: string, position: Position): void {
    const text = 'metric might not be a counter, name does not end in _total/_sum/_count/_bucket';
    this.#add('info', `${text}: ${quote(metricName)}`, position);
  }

  possibleNonCounterByType(metricName: string, type: string, position: Position): void {
    const text = 'metric might not be a counter, __type__ label is not set to "counter" or "histogram"';
    this.#add('info', `${text}, got ${quote(type)}: ${quote(metricName)}`, position);
  }

  incompatibleTypes(left: string, operator: string, right: string, position: Position): void {
    const text = 'incompatible sample types encountered for binary operator';
    this.#add('info', `${text} ${quote(operator)}: ${left} ${operator} ${right}`, position);
  }

  histogramIgnoredInAggregation(aggregation: string, position: Position): void {
    this.#add('info', `ignored histogram in ${aggregation} aggregation`, position);
  }

  histogramIgnoredInRange(metricName: string, position: Position): void {
    const text = 'ignored histograms in a range containing both floats and histograms for metric name';
    this.#add('info', `${text} ${quote(metricName)}`, position);
  }

  quantileOfNaNObservations(
    metricName: string,
    effect: 'result is NaN' | 'result is skewed higher',
    position: Position,
  ): void {
    const text = `input to histogram_quantile has NaN observations, ${effect}`;
    this.#add('info', text + forMetric(metricName), position);
  }

  fractionOfNaNObservations(metricName: string, position: Position): void {
    const text = 'input to histogram_fraction has NaN observations, which are excluded from all fractions';
    this.#add('info', text + forMetric(metricName), position);
  }

  forcedMonotonicity(metricName: string, extent: MonotonicityExtent, position: Position): void {
    const page = 'https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile';
    const text =
      `input to histogram_quantile needed to be fixed for monotonicity (see ${page})` + forMetric(metricName);
    const known = this.#byText.get(`info ${text}`)?.extent;
    const merged = known ? mergeExtents(known, extent) : extent;
    this.#byText.set(`info ${text}`, { level: 'info', text, position, extent: merged });
  }
}

function forMetric(metricName: string): string {
  return metricName === '' ? '' : ` for metric name ${quote(metricName)}`;
}

function mergeExtents(a: MonotonicityExtent, b: MonotonicityExtent): MonotonicityExtent {
  return {
    minTimeMs: Math.min(a.minTimeMs, b.minTimeMs),
    maxTimeMs: Math.max(a.maxTimeMs, b.maxTimeMs),
    minBucket: Math.min(a.minBucket, b.minBucket),
    maxBucket: Math.max(a.maxBucket, b.maxBucket),
    maxDifference: Math.max(a.maxDifference, b.maxDifference),
    samples: a.samples + b.samples,
  };
}

function describeExtent(extent: MonotonicityExtent): string {
  const buckets = `from buckets ${formatGeneral(extent.minBucket)} to ${formatGeneral(extent.maxBucket)}`;
  const difference = `with a max diff of ${formatSignificant(extent.maxDifference, 2)}`;
  const times = `from ${toSeconds(extent.minTimeMs)} to ${toSeconds(extent.maxTimeMs)}`;
  return `${buckets}, ${difference}, over ${extent.samples} samples ${times}`;
}

/** RFC 3339 in whole seconds. */
function toSeconds(timeMs: number): string {
  return `${new Date(Math.floor(timeMs / 1000) * 1000).toISOString().slice(0, -5)}Z`;
}

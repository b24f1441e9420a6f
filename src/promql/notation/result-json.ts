import type { HistogramValue, Labels } from '#telemetry';
import { boundsIncluded, bucketsOf } from '../histograms/bucket-walk.ts';
import type { MatrixSeries, QueryResult, VectorElement } from '../query-result.ts';
import { formatDecimal } from '../syntax/text-literals.ts';

/** Points of one series that are written as one piece of text. */
const POINTS_PER_PIECE = 128;

/**
 * A result in the JSON of Prometheus's HTTP API, `{"resultType":"vector","result":[…]}`, in pieces of a few kilobytes,
 * so that whoever sends a large one can let others run between them. Times are seconds, values are text.
 */
export function* resultJson(result: QueryResult): Generator<string, void, void> {
  yield `{"resultType":"${result.kind}","result":`;
  switch (result.kind) {
    case 'scalar':
      // Unlike samples, scalars never have an exponent.
      yield `[${seconds(result.timestampMs)},"${formatDecimal(result.value)}"]`;
      break;
    case 'string':
      yield `[${seconds(result.timestampMs)},${JSON.stringify(result.value)}]`;
      break;
    case 'vector':
      yield '[';
      for (const [at, element] of result.elements.entries()) yield (at > 0 ? ',' : '') + elementJson(element);
      yield ']';
      break;
    case 'matrix':
      yield '[';
      yield* matrixJson(result.series);
      yield ']';
      break;
  }
  yield '}';
}

/** Numbers of this magnitude are written without an exponent, here as there. */
const MIN_PLAIN = 1e-6;
const PLAIN_LIMIT = 1e21;

/** A sample's value: the shortest text that reads as the same number, as Go's strconv writes it. */
export function sampleValueText(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude >= MIN_PLAIN && magnitude < PLAIN_LIMIT) return String(value);
  if (!Number.isFinite(value) || value === 0) return formatDecimal(value);
  // JavaScript takes an exponent where Prometheus does, but writes it without a leading zero.
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2');
}

function elementJson({ labels, value, histogram, timestampMs }: VectorElement): string {
  const metric = `{"metric":${labelsJson(labels)}`;
  return histogram
    ? `${metric},"histogram":${histogramPoint(timestampMs, histogram)}}`
    : `${metric},"value":${floatPoint(timestampMs, value)}}`;
}

function* matrixJson(series: readonly MatrixSeries[]): Generator<string, void, void> {
  const times = new PointTimes();
  let before = '';
  for (const { labels, timestampsMs, values, histograms } of series) {
    yield `${before}{"metric":${labelsJson(labels)}`;
    yield* pointsJson('values', timestampsMs.length, (at) =>
      histograms?.[at]
        ? null
        : `${times.startOfPoint(at, timestampsMs[at] ?? 0)}"${sampleValueText(values[at] ?? NaN)}"]`,
    );
    if (histograms) {
      yield* pointsJson('histograms', timestampsMs.length, (at) => {
        const histogram = histograms[at];
        return histogram ? histogramPoint(timestampsMs[at] ?? 0, histogram) : null;
      });
    }
    yield '}';
    before = ',';
  }
}

/** The series of a result have mostly the same times: their text is made once. */
class PointTimes {
  readonly #timestampsMs: number[] = [];
  readonly #texts: string[] = [];

  startOfPoint(at: number, timestampMs: number): string {
    if (this.#timestampsMs[at] === timestampMs) return this.#texts[at] ?? '';
    const text = `[${seconds(timestampMs)},`;
    this.#timestampsMs[at] = timestampMs;
    this.#texts[at] = text;
    return text;
  }
}

/** One of the two lists of a series; nothing where it would be empty. */
function* pointsJson(
  name: string,
  length: number,
  pointAt: (at: number) => string | null,
): Generator<string, void, void> {
  let isOpen = false;
  let piece = '';
  for (let at = 0; at < length; at++) {
    const point = pointAt(at);
    if (point !== null) {
      piece += isOpen ? ',' : `,"${name}":[`;
      piece += point;
      isOpen = true;
    }
    if (at % POINTS_PER_PIECE === POINTS_PER_PIECE - 1) {
      yield piece;
      piece = '';
    }
  }
  yield isOpen ? `${piece}]` : piece;
}

function labelsJson(labels: Labels): string {
  const pairs = Object.keys(labels)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${JSON.stringify(labels[name])}`);
  return `{${pairs.join(',')}}`;
}

function floatPoint(timestampMs: number, value: number): string {
  return `[${seconds(timestampMs)},"${sampleValueText(value)}"]`;
}

function histogramPoint(timestampMs: number, histogram: HistogramValue): string {
  const buckets = bucketsOf(histogram)
    .filter(({ count }) => count !== 0)
    .map((bucket) => {
      const { lower, upper } = boundsIncluded(bucket, histogram);
      const numbers = [bucket.lower, bucket.upper, bucket.count].map(
        (value) => `"${sampleValueText(value)}"`,
      );
      return `[${INCLUDED_BOUNDS[`${lower}-${upper}`]},${numbers.join(',')}]`;
    });
  const { count, sum } = histogram;
  const totals = `"count":"${sampleValueText(count)}","sum":"${sampleValueText(sum)}"`;
  return `[${seconds(timestampMs)},{${totals}${buckets.length > 0 ? `,"buckets":[${buckets.join(',')}]` : ''}}]`;
}

/** How a bucket says whether its lower and its upper bound belong to it. */
const INCLUDED_BOUNDS = { 'false-true': 0, 'true-false': 1, 'false-false': 2, 'true-true': 3 } as const;

function seconds(timestampMs: number): string {
  return String(timestampMs / 1000);
}

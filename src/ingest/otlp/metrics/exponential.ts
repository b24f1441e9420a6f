import type { Exemplar, HistogramValue } from '#telemetry';
import { histogramProblem } from '../../histogram-check.ts';
import { WIRE_BYTES, WIRE_VARINT, type WireReader } from '../../wire-reader.ts';
import { maxBuckets } from '../limits.ts';
import type { Refusals } from '../refusals.ts';
import { unsigned64At } from '../wire/times.ts';
import type { Family } from './family.ts';
import { isSumLost, SUM_OF_NO_NUMBER } from './grouped-point.ts';
import { nativeHistogram, type NativeSide } from './native-histogram.ts';
import { FLAG_NO_RECORDED_VALUE, type PointContext } from './point-context.ts';
import type { PointRows } from './point-rows.ts';
import { readEightBytes, type TimedPoint } from './timed-point.ts';

const MIN_SCALE = -4;
/** OpenTelemetry's largest scale; native histograms go to 8, finer ones are merged. */
const MAX_SCALE = 20;
const MAX_SCHEMA = 8;
const INT32 = 2 ** 31;
const ATTRIBUTES_TAG = 0x0a;

const NO_EXEMPLARS: readonly Exemplar[] = [];

/** Buckets of one side while they are read; the list is used again for every point. */
class Buckets {
  offset = 0;
  length = 0;
  readonly counts: number[] = [];

  begin(): void {
    this.offset = 0;
    this.length = 0;
  }

  get areTooMany(): boolean {
    return this.length > maxBuckets;
  }

  /** One more than may be is kept, so that it is seen. */
  add(count: number): void {
    if (!this.areTooMany) this.counts[this.length++] = count;
  }
}

/** A point while it is read. */
class ExponentialPoint implements TimedPoint {
  timeMs = 0;
  startMs = 0;
  count = 0;
  /** NaN where it is not told. */
  sum = Number.NaN;
  hasSum = false;
  scale = 0;
  zeroCount = 0;
  zeroThreshold = 0;
  isStale = false;
  attributesStart = 0;
  attributesEnd = 0;
  isScattered = false;
  exemplars = NO_EXEMPLARS;
  readonly positive = new Buckets();
  readonly negative = new Buckets();

  begin(timeMs: number): void {
    this.timeMs = timeMs;
    this.startMs = 0;
    this.count = 0;
    this.sum = Number.NaN;
    this.hasSum = false;
    this.scale = 0;
    this.zeroCount = 0;
    this.zeroThreshold = 0;
    this.isStale = false;
    this.attributesStart = 0;
    this.attributesEnd = 0;
    this.isScattered = false;
    this.exemplars = NO_EXEMPLARS;
    this.positive.begin();
    this.negative.begin();
  }
}

/** Reads exponential histograms into native ones. */
export class ExponentialReader {
  readonly #points: PointContext;
  readonly #reader: WireReader;
  readonly #rows: PointRows;
  readonly #refusals: Refusals;
  readonly #point = new ExponentialPoint();

  constructor(context: PointContext) {
    this.#points = context;
    this.#reader = context.reader;
    this.#rows = context.rows;
    this.#refusals = context.refusals;
  }

  /** Reads the point up to `end`. */
  read(family: Family, end: number): void {
    const reader = this.#reader;
    const point = this.#point;
    const start = reader.at;
    point.begin(this.#points.receivedAtMs);
    while (reader.at < end) this.#readField(point, end);
    let place = -1;
    if (!point.isStale) {
      const converted = histogramOf(point);
      if (typeof converted === 'string') return this.#refusals.refuse(converted);
      const isLost = isSumLost(family, point);
      if (isLost) this.#refusals.leaveOut(SUM_OF_NO_NUMBER);
      place = this.#rows.histograms.push(isLost ? { ...converted, sum: Number.NaN } : converted) - 1;
    }
    const writer = point.isScattered
      ? this.#points.writerOfScattered(family, { start, end, tag: ATTRIBUTES_TAG })
      : this.#points.writerOf(family, point.attributesStart, point.attributesEnd);
    for (const exemplar of point.exemplars) this.#rows.addExemplar(exemplar);
    this.#rows.add(writer, point.timeMs, point.startMs, place, point.isStale);
  }

  /**
   * ExponentialHistogramDataPoint: 1 attributes, 2 start, 3 time, 4 count, 5 sum, 6 scale, 7 zero_count, 8 positive,
   * 9 negative, 10 flags, 11 exemplars, 14 zero_threshold.
   */
  #readField(point: ExponentialPoint, end: number): void {
    const reader = this.#reader;
    const fieldStart = reader.at;
    const tag = reader.varint32(end);
    switch (tag >>> 3) {
      case 2:
      case 3:
      case 4:
      case 5:
      case 7:
      case 14:
        this.#readFixed(point, tag, end);
        return;
      case 1:
        if ((tag & 7) !== WIRE_BYTES) throw reader.wrongType(tag);
        reader.at = reader.fieldEnd(end);
        if (point.attributesEnd === 0) point.attributesStart = fieldStart;
        else if (fieldStart !== point.attributesEnd) point.isScattered = true;
        point.attributesEnd = reader.at;
        return;
      case 6:
        reader.expect(tag, WIRE_VARINT);
        point.scale = reader.zigzag(end);
        return;
      case 8:
      case 9:
        reader.expect(tag, WIRE_BYTES);
        this.#readBuckets(tag >>> 3 === 8 ? point.positive : point.negative, reader.fieldEnd(end));
        return;
      case 10:
        reader.expect(tag, WIRE_VARINT);
        point.isStale = reader.unsigned(end) % 2 === FLAG_NO_RECORDED_VALUE;
        return;
      case 11:
        point.exemplars = this.#points.withExemplar(point.exemplars, tag, end);
        return;
      default:
        reader.skip(tag, end);
    }
  }

  #readFixed(point: ExponentialPoint, tag: number, end: number): void {
    const double = readEightBytes(this.#reader, tag, end, point);
    const field = tag >>> 3;
    if (field === 5) {
      point.sum = double;
      point.hasSum = true;
    } else if (field === 7) point.zeroCount = unsigned64At(this.#reader, this.#reader.at - 8);
    else if (field === 14) point.zeroThreshold = double;
  }

  /** Buckets: 1 offset, 2 bucket_counts, packed or one by one. */
  #readBuckets(buckets: Buckets, end: number): void {
    const reader = this.#reader;
    while (reader.at < end) {
      const tag = reader.varint32(end);
      if (tag >>> 3 === 1) {
        reader.expect(tag, WIRE_VARINT);
        buckets.offset = reader.zigzag(end);
      } else if (tag >>> 3 === 2) {
        if ((tag & 7) === WIRE_BYTES) this.#readPacked(buckets, reader.fieldEnd(end));
        else {
          reader.expect(tag, WIRE_VARINT, WIRE_BYTES);
          this.#points.countNumbers(1);
          buckets.add(reader.unsigned(end));
        }
      } else reader.skip(tag, end);
    }
  }

  #readPacked(buckets: Buckets, end: number): void {
    const reader = this.#reader;
    const { bytes } = reader;
    const before = buckets.length;
    while (reader.at < end && !buckets.areTooMany) {
      const byte = bytes[reader.at] ?? 0;
      if (byte < 128) reader.at++;
      buckets.add(byte < 128 ? byte : reader.unsigned(end));
    }
    reader.at = end;
    this.#points.countNumbers(buckets.length - before);
  }
}

/** The native histogram of a point, or why it is refused. */
function histogramOf(point: ExponentialPoint): HistogramValue | string {
  const { scale, positive, negative } = point;
  if (!(scale >= MIN_SCALE && scale <= MAX_SCALE)) {
    return `an exponential histogram has the scale ${scale}; ${MIN_SCALE} to ${MAX_SCALE} are read`;
  }
  const sideProblem = bucketsProblem(positive) ?? bucketsProblem(negative);
  if (sideProblem !== null) return sideProblem;
  const schema = Math.min(scale, MAX_SCHEMA);
  const merge = scale - schema;
  const { count, sum, zeroThreshold, zeroCount } = point;
  const histogram = nativeHistogram(
    { schema, count, sum, zeroThreshold, zeroCount },
    { positive: nativeSide(positive, merge), negative: nativeSide(negative, merge) },
  );
  // A sum that is not told is not one of NaN observations, which need not be in a bucket.
  const problem = histogramProblem(point.hasSum ? histogram : { ...histogram, sum: 0 }, 'whole');
  return problem === null ? histogram : `an exponential histogram does not hold together: ${problem}`;
}

const EMPTY_SIDE: NativeSide = { spans: [], counts: [] };

/**
 * OpenTelemetry's bucket i covers (base^i, base^(i+1)], Prometheus's (base^(i−1), base^i]: the index moves by one.
 * Each step of `merge` halves the resolution. Empty buckets at both ends are left out.
 */
function nativeSide({ offset, length, counts }: Buckets, merge: number): NativeSide {
  let from = 0;
  let to = length;
  while (from < to && counts[from] === 0) from++;
  while (to > from && counts[to - 1] === 0) to--;
  if (from === to) return EMPTY_SIDE;
  const first = ((offset + from) >> merge) + 1;
  const merged = merge === 0 ? counts.slice(from, to) : mergedCounts({ offset, from, to, counts }, merge);
  return { spans: [{ offset: first, length: merged.length }], counts: merged };
}

/** Counts of the buckets [from, to), several in one. */
function mergedCounts(
  {
    offset,
    from,
    to,
    counts,
  }: Pick<Buckets, 'offset' | 'counts'> & { readonly from: number; readonly to: number },
  merge: number,
): readonly number[] {
  const first = (offset + from) >> merge;
  const merged: number[] = [];
  for (let place = from; place < to; place++) {
    const index = ((offset + place) >> merge) - first;
    merged[index] = (merged[index] ?? 0) + (counts[place] ?? 0);
  }
  return merged;
}

function bucketsProblem({ offset, length }: Buckets): string | null {
  if (length > maxBuckets) return `a histogram has more than maxBuckets (${maxBuckets})`;
  const isReached = offset >= -INT32 && offset + length < INT32;
  return isReached ? null : `an exponential histogram has the offset ${offset}`;
}

import type { Exemplar, HistogramSpan, HistogramValue } from '#telemetry';
import { histogramProblem } from '../../histogram-check.ts';
import { WIRE_BYTES, WIRE_VARINT, type WireReader } from '../../wire-reader.ts';
import { checkLimit, maxBuckets } from '../limits.ts';
import type { Refusals } from '../refusals.ts';
import { unsigned64At } from '../wire/times.ts';
import type { Family } from './family.ts';
import { FLAG_NO_RECORDED_VALUE, type PointContext } from './point-context.ts';
import type { PointRows } from './point-rows.ts';
import { readEightBytes, type TimedPoint } from './timed-point.ts';

const MIN_SCALE = -4;
/** OpenTelemetry's largest scale; native histograms go to 8, finer ones are merged. */
const MAX_SCALE = 20;
const MAX_SCHEMA = 8;
const INT32 = 2 ** 31;
const ATTRIBUTES_TAG = 0x0a;

interface Buckets {
  offset: number;
  readonly counts: number[];
}

/** The fields of eight bytes. */
interface FixedFields extends TimedPoint {
  sum: number;
  hasSum: boolean;
  zeroCount: number;
  zeroThreshold: number;
}

/** Reads exponential histograms into native ones. */
export class ExponentialReader {
  readonly #points: PointContext;
  readonly #reader: WireReader;
  readonly #rows: PointRows;
  readonly #refusals: Refusals;
  #numbers = 0;

  constructor(context: PointContext) {
    this.#points = context;
    this.#reader = context.reader;
    this.#rows = context.rows;
    this.#refusals = context.refusals;
  }

  /**
   * ExponentialHistogramDataPoint: 1 attributes, 2 start, 3 time, 4 count, 5 sum, 6 scale, 7 zero_count, 8 positive,
   * 9 negative, 10 flags, 11 exemplars, 14 zero_threshold.
   */
  read(family: Family, end: number): void {
    const reader = this.#reader;
    const point: FixedFields = {
      timeMs: this.#points.receivedAtMs,
      startMs: 0,
      count: 0,
      sum: Number.NaN,
      hasSum: false,
      zeroCount: 0,
      zeroThreshold: 0,
    };
    let [scale, isStale] = [0, false];
    const positive: Buckets = { offset: 0, counts: [] };
    const negative: Buckets = { offset: 0, counts: [] };
    let exemplars: readonly Exemplar[] = [];
    const start = reader.at;
    let [attributesStart, attributesEnd, isScattered] = [0, 0, false];
    while (reader.at < end) {
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
          break;
        case 1:
          reader.expect(tag, WIRE_BYTES);
          reader.skip(tag, end);
          if (attributesEnd === 0) attributesStart = fieldStart;
          else if (fieldStart !== attributesEnd) isScattered = true;
          attributesEnd = reader.at;
          break;
        case 6:
          reader.expect(tag, WIRE_VARINT);
          scale = reader.zigzag(end);
          break;
        case 8:
        case 9:
          reader.expect(tag, WIRE_BYTES);
          this.#readBuckets(tag >>> 3 === 8 ? positive : negative, reader.fieldEnd(end));
          break;
        case 10:
          reader.expect(tag, WIRE_VARINT);
          isStale = reader.unsigned(end) % 2 === FLAG_NO_RECORDED_VALUE;
          break;
        case 11:
          exemplars = this.#points.withExemplar(exemplars, tag, end);
          break;
        default:
          reader.skip(tag, end);
      }
    }
    const { timeMs, startMs, ...totals } = point;
    let place = -1;
    if (!isStale) {
      const converted = nativeHistogram({ ...totals, scale, positive, negative });
      if (typeof converted === 'string') return this.#refusals.refuse(converted);
      place = this.#rows.histograms.push(converted) - 1;
    }
    const writer = isScattered
      ? this.#points.writerOfScattered(family, { start, end, tag: ATTRIBUTES_TAG })
      : this.#points.writerOf(family, attributesStart, attributesEnd);
    for (const exemplar of exemplars) this.#rows.addExemplar(exemplar);
    this.#rows.add(writer, timeMs, startMs, place, isStale);
  }

  #readFixed(point: FixedFields, tag: number, end: number): void {
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
        reader.expect(tag, WIRE_VARINT, WIRE_BYTES);
        const isPacked = (tag & 7) === WIRE_BYTES;
        const stop = isPacked ? reader.fieldEnd(end) : reader.at + 1;
        while (reader.at < stop) {
          const count = reader.unsigned(isPacked ? stop : end);
          checkLimit('maxRequestNumbers', ++this.#numbers);
          if (buckets.counts.length <= maxBuckets) buckets.counts.push(count);
        }
      } else reader.skip(tag, end);
    }
  }
}

interface ExponentialPoint {
  readonly count: number;
  /** NaN where it is not told. */
  readonly sum: number;
  readonly hasSum: boolean;
  readonly scale: number;
  readonly zeroCount: number;
  readonly zeroThreshold: number;
  readonly positive: { readonly offset: number; readonly counts: readonly number[] };
  readonly negative: { readonly offset: number; readonly counts: readonly number[] };
}

/** The native histogram of a point, or why it is refused. */
function nativeHistogram(point: ExponentialPoint): HistogramValue | string {
  const { scale, positive, negative } = point;
  if (!(scale >= MIN_SCALE && scale <= MAX_SCALE)) {
    return `an exponential histogram has the scale ${scale}; ${MIN_SCALE} to ${MAX_SCALE} are read`;
  }
  for (const { offset, counts } of [positive, negative]) {
    if (counts.length > maxBuckets) return `a histogram has more than maxBuckets (${maxBuckets})`;
    if (offset < -INT32 || offset + counts.length >= INT32) {
      return `an exponential histogram has the offset ${offset}`;
    }
  }
  const schema = Math.min(scale, MAX_SCHEMA);
  const merge = scale - schema;
  const positiveSide = nativeSide(positive, merge);
  const negativeSide = nativeSide(negative, merge);
  const histogram: HistogramValue = {
    schema,
    count: point.count,
    sum: point.sum,
    zeroThreshold: point.zeroThreshold,
    zeroCount: point.zeroCount,
    positiveSpans: positiveSide.spans,
    positiveCounts: positiveSide.counts,
    negativeSpans: negativeSide.spans,
    negativeCounts: negativeSide.counts,
    customBounds: [],
    counterReset: 'unknown',
  };
  // A sum that is not told is not one of NaN observations, which need not be in a bucket.
  const problem = histogramProblem({ ...histogram, sum: point.hasSum ? point.sum : 0 }, 'whole');
  return problem === null ? histogram : `an exponential histogram does not hold together: ${problem}`;
}

/**
 * OpenTelemetry's bucket i covers (base^i, base^(i+1)], Prometheus's (base^(i−1), base^i]: the index moves by one.
 * Each step of `merge` halves the resolution. Empty buckets at both ends are left out.
 */
function nativeSide(
  { offset, counts }: { readonly offset: number; readonly counts: readonly number[] },
  merge: number,
): { readonly spans: readonly HistogramSpan[]; readonly counts: readonly number[] } {
  let from = 0;
  let to = counts.length;
  while (from < to && counts[from] === 0) from++;
  while (to > from && counts[to - 1] === 0) to--;
  if (from === to) return { spans: [], counts: [] };
  const first = ((offset + from) >> merge) + 1;
  const merged: number[] = [];
  for (let place = from; place < to; place++) {
    const index = ((offset + place) >> merge) + 1 - first;
    merged[index] = (merged[index] ?? 0) + (counts[place] ?? 0);
  }
  return { spans: [{ offset: first, length: merged.length }], counts: merged };
}

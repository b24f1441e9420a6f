import type { Exemplar } from '#telemetry';
import { WIRE_BYTES, WIRE_FIXED64, WIRE_VARINT, type WireReader } from '../../wire-reader.ts';
import { checkLimit, maxBuckets } from '../limits.ts';
import type { Refusals } from '../refusals.ts';
import { unsigned64At } from '../wire/times.ts';
import type { Family, Layout } from './family.ts';
import { floatText } from './names.ts';
import { FLAG_NO_RECORDED_VALUE, type PointContext } from './point-context.ts';
import type { PointRows } from './point-rows.ts';
import { readEightBytes } from './timed-point.ts';

/** What histograms and summaries have in common; field numbers differ for exemplars, attributes and flags. */
interface Fields {
  readonly attributes: number;
  readonly flags: number;
  readonly exemplars: number;
}
const HISTOGRAM_FIELDS: Fields = { exemplars: 8, attributes: 9, flags: 10 };
const SUMMARY_FIELDS: Fields = { exemplars: -1, attributes: 7, flags: 8 };
const NO_SUM = Number.NaN;

/** A point while it is read. */
class GroupedPoint {
  timeMs = 0;
  startMs = 0;
  count = 0;
  sum = NO_SUM;
  hasSum = false;
  isStale = false;
  attributesStart = 0;
  attributesEnd = 0;
  isScattered = false;
  /** Bucket counts; of a summary, values. */
  readonly numbers: number[] = [];
  /** Bounds; of a summary, quantiles. */
  readonly places: number[] = [];
  exemplars: readonly Exemplar[] = [];

  begin(timeMs: number): void {
    this.timeMs = timeMs;
    this.startMs = 0;
    this.count = 0;
    this.sum = NO_SUM;
    this.hasSum = false;
    this.isStale = false;
    this.attributesStart = 0;
    this.attributesEnd = 0;
    this.isScattered = false;
    this.numbers.length = 0;
    this.places.length = 0;
    this.exemplars = [];
  }
}

/** Reads what becomes several series: histograms with explicit bounds, and summaries. */
export class GroupedReader {
  readonly #points: PointContext;
  readonly #reader: WireReader;
  readonly #rows: PointRows;
  readonly #refusals: Refusals;
  readonly #point = new GroupedPoint();

  constructor(context: PointContext) {
    this.#points = context;
    this.#reader = context.reader;
    this.#rows = context.rows;
    this.#refusals = context.refusals;
  }

  /** HistogramDataPoint: 2 start, 3 time, 4 count, 5 sum, 6 bucket_counts, 7 explicit_bounds, 8 … 10 as above. */
  readHistogram(family: Family, end: number): void {
    const point = this.#point;
    const start = this.#reader.at;
    point.begin(this.#points.receivedAtMs);
    this.#readFields(HISTOGRAM_FIELDS, end);
    const problem = point.isStale ? null : (histogramProblem(point) ?? sumProblem(family, point));
    if (problem !== null) return this.#refusals.refuse(problem);
    // The last bucket is the count, whether its bound is told or not.
    if (point.places.at(-1) === Infinity) point.places.pop();
    point.places.push(Infinity);
    const layout = this.#points.layoutOf(family, Float64Array.from(point.places), floatText);
    const writer = this.#writerOf(family, layout, {
      start,
      end,
      tag: HISTOGRAM_FIELDS.attributes * 8 + WIRE_BYTES,
    });
    const value = this.#rows.numbersLength;
    this.#rows.addNumber(point.count);
    this.#rows.addNumber(point.sum);
    let cumulative = 0;
    for (let bucket = 0; bucket < layout.texts.length - 1; bucket++) {
      cumulative += point.numbers[bucket] ?? 0;
      this.#rows.addNumber(cumulative);
    }
    this.#rows.addNumber(point.count);
    this.#add(writer, value);
  }

  /** SummaryDataPoint: 2 start, 3 time, 4 count, 5 sum, 6 quantile_values, 7 attributes, 8 flags. */
  readSummary(family: Family, end: number): void {
    const point = this.#point;
    const start = this.#reader.at;
    point.begin(this.#points.receivedAtMs);
    point.sum = 0;
    point.hasSum = true;
    this.#readFields(SUMMARY_FIELDS, end);
    if (new Set(point.places).size !== point.places.length) {
      return this.#refusals.refuse('a summary has a quantile twice');
    }
    const layout = this.#points.layoutOf(family, Float64Array.from(point.places), floatText);
    const writer = this.#writerOf(family, layout, {
      start,
      end,
      tag: SUMMARY_FIELDS.attributes * 8 + WIRE_BYTES,
    });
    const value = this.#rows.numbersLength;
    this.#rows.addNumber(point.count);
    this.#rows.addNumber(point.sum);
    for (const number of point.numbers) this.#rows.addNumber(number);
    this.#add(writer, value);
  }

  #add(writer: number, value: number): void {
    const { timeMs, startMs, isStale, exemplars, hasSum } = this.#point;
    for (const exemplar of exemplars) this.#rows.addExemplar(exemplar);
    // Where there is no sum, its place is marked: a NaN may be one.
    this.#rows.add(writer, timeMs, startMs, hasSum ? value : -1 - value, isStale);
  }

  #readFields(fields: Fields, end: number): void {
    const point = this.#point;
    const reader = this.#reader;
    while (reader.at < end) {
      const fieldStart = reader.at;
      const tag = reader.varint32(end);
      const field = tag >>> 3;
      if (field >= 2 && field <= 5) this.#readFixed(tag, end);
      else if (field === 6 && fields === SUMMARY_FIELDS) this.#readQuantile(tag, end);
      else if (field === 6) this.#readNumbers(tag, end, point.numbers);
      else if (field === 7 && fields === HISTOGRAM_FIELDS) this.#readNumbers(tag, end, point.places);
      else if (field === fields.exemplars) {
        point.exemplars = this.#points.withExemplar(point.exemplars, tag, end);
      } else if (field === fields.attributes) {
        reader.expect(tag, WIRE_BYTES);
        reader.at = reader.fieldEnd(end);
        if (point.attributesEnd === 0) point.attributesStart = fieldStart;
        else if (fieldStart !== point.attributesEnd) point.isScattered = true;
        point.attributesEnd = reader.at;
      } else if (field === fields.flags) {
        reader.expect(tag, WIRE_VARINT);
        point.isStale = reader.unsigned(end) % 2 === FLAG_NO_RECORDED_VALUE;
      } else reader.skip(tag, end);
    }
  }

  #readFixed(tag: number, end: number): void {
    const point = this.#point;
    const double = readEightBytes(this.#reader, tag, end, point);
    if (tag >>> 3 !== 5) return;
    point.sum = double;
    point.hasSum = true;
  }

  /** Bucket counts (fixed64) or bounds (double), packed or one by one. */
  #readNumbers(tag: number, end: number, into: number[]): void {
    const reader = this.#reader;
    reader.expect(tag, WIRE_BYTES, WIRE_FIXED64);
    const stop = (tag & 7) === WIRE_BYTES ? reader.fieldEnd(end) : reader.at + 8;
    const areCounts = tag >>> 3 === 6;
    checkLimit('maxRequestNumbers', this.#rows.numbersLength + (stop - reader.at) / 8);
    while (reader.at < stop) {
      const double = reader.double(Math.min(stop, end));
      if (into.length > maxBuckets) continue;
      into.push(areCounts ? unsigned64At(reader, reader.at - 8) : double);
    }
  }

  #readQuantile(tag: number, end: number): void {
    const reader = this.#reader;
    reader.expect(tag, WIRE_BYTES);
    const quantileEnd = reader.fieldEnd(end);
    let [quantile, value] = [0, 0];
    while (reader.at < quantileEnd) {
      const inner = reader.varint32(quantileEnd);
      if (inner >>> 3 === 1 || inner >>> 3 === 2) {
        reader.expect(inner, WIRE_FIXED64);
        const double = reader.double(quantileEnd);
        if (inner >>> 3 === 1) quantile = double;
        else value = double;
      } else reader.skip(inner, quantileEnd);
    }
    if (this.#point.places.length >= maxBuckets) return;
    checkLimit('maxRequestNumbers', this.#rows.numbersLength + this.#point.numbers.length);
    this.#point.places.push(quantile);
    this.#point.numbers.push(value);
  }

  #writerOf(
    family: Family,
    layout: Layout,
    place: { readonly start: number; readonly end: number; readonly tag: number },
  ): number {
    const { attributesStart, attributesEnd, isScattered } = this.#point;
    if (!isScattered) return this.#points.groupedWriterOf(family, layout, [attributesStart, attributesEnd]);
    const attributeBytes = this.#points.gatherAttributes(place);
    return this.#rows.addUnknown({ family, layout, attributeBytes });
  }
}

function sumProblem({ isDelta }: Family, { hasSum, sum }: GroupedPoint): string | null {
  return isDelta && hasSum && !Number.isFinite(sum) ? 'a delta whose sum is no number' : null;
}

/** Why a histogram with explicit bounds contradicts itself, or null. */
function histogramProblem({ numbers, places, count, sum, hasSum }: GroupedPoint): string | null {
  if (numbers.length > maxBuckets || places.length > maxBuckets) {
    return `a histogram has more than maxBuckets (${maxBuckets})`;
  }
  const isEmpty = numbers.length === 0 && places.length === 0;
  if (!isEmpty && numbers.length !== places.length + 1) {
    return `a histogram has ${places.length} bounds and ${numbers.length} buckets`;
  }
  for (let at = 0; at < places.length; at++) {
    const bound = places[at] ?? Number.NaN;
    if (Number.isNaN(bound) || (at > 0 && !(bound > (places[at - 1] ?? Number.NaN)))) {
      return "a histogram's bounds do not ascend";
    }
  }
  if (isEmpty) return null;
  const inBuckets = numbers.reduce((total, each) => total + each, 0);
  // Sums of larger numbers are not exact. Observations of NaN may be in no bucket, and make the sum NaN.
  if (inBuckets > Number.MAX_SAFE_INTEGER) return null;
  const isWrong = hasSum && Number.isNaN(sum) ? inBuckets > count : inBuckets !== count;
  return isWrong ? `a histogram's count is ${count}, and its buckets hold ${inBuckets}` : null;
}

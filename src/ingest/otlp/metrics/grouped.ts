import { WIRE_BYTES, WIRE_FIXED64, WIRE_VARINT, type WireReader } from '../../wire-reader.ts';
import { maxBuckets } from '../limits.ts';
import type { Refusals } from '../refusals.ts';
import { unsigned64At } from '../wire/times.ts';
import type { Family, Layout } from './family.ts';
import {
  areOf,
  boundsProblem,
  countProblem,
  finiteBounds,
  GroupedPoint,
  histogramProblem,
  isSumLost,
  SUM_OF_NO_NUMBER,
  TOO_MANY_BUCKETS,
  unequal,
} from './grouped-point.ts';
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
const NUMBER_BYTES = 8;

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
    const layout =
      point.isInPieces || point.isStale
        ? null
        : this.#points.knownLayout(family, point.boundsStart, point.boundsEnd);
    const value = this.#rows.numbersLength;
    const problem = layout === null ? this.#readUnknownLayout(start, end) : this.#readCounts(layout);
    if (problem !== null) {
      this.#rows.numbersLength = value;
      return this.#refusals.refuse(problem);
    }
    if (isSumLost(family, point)) {
      point.hasSum = false;
      this.#refusals.leaveOut(SUM_OF_NO_NUMBER);
    }
    const place = { start, end, tag: HISTOGRAM_FIELDS.attributes * 8 + WIRE_BYTES };
    this.#add(this.#writerOf(family, layout ?? this.#addLayout(family), place), value);
  }

  /** Adds the numbers of a histogram whose bounds were seen before: one pass from bytes to columns. */
  #readCounts({ texts }: Layout): string | null {
    const { countsStart, countsEnd, boundsStart, boundsEnd, count, sum } = this.#point;
    const buckets = (countsEnd - countsStart) / NUMBER_BYTES;
    const bounds = (boundsEnd - boundsStart) / NUMBER_BYTES;
    if (buckets > maxBuckets) return TOO_MANY_BUCKETS;
    if ((buckets > 0 || bounds > 0) && !areOf(bounds, buckets, texts.length - 1)) {
      return unequal(bounds, buckets);
    }
    const rows = this.#rows;
    rows.reserveNumbers(texts.length + 2);
    const { numbers } = rows;
    const reader = this.#reader;
    let place = rows.numbersLength;
    numbers[place++] = count;
    numbers[place++] = sum;
    let cumulative = 0;
    const last = place + texts.length - 1;
    for (let at = countsStart; at < countsEnd; at += NUMBER_BYTES) {
      cumulative += unsigned64At(reader, at);
      if (place < last) numbers[place++] = cumulative;
    }
    numbers[last] = count;
    rows.numbersLength = last + 1;
    return buckets === 0 ? null : countProblem(this.#point, cumulative);
  }

  /** The same where bounds or counts need to be read one by one, and checked. */
  #readUnknownLayout(start: number, end: number): string | null {
    const point = this.#point;
    this.#gatherNumbers(start, end);
    const problem = boundsProblem(point) ?? (point.isStale ? null : histogramProblem(point));
    if (problem !== null) return problem;
    this.#rows.addNumber(point.count);
    this.#rows.addNumber(point.sum);
    let cumulative = 0;
    const bounds = finiteBounds(point.places);
    for (let bucket = 0; bucket < bounds.length; bucket++) {
      cumulative += point.numbers[bucket] ?? 0;
      this.#rows.addNumber(cumulative);
    }
    this.#rows.addNumber(point.count);
    return null;
  }

  #addLayout(family: Family): Layout {
    const { places } = this.#point;
    return this.#points.addLayout(family, places, [...finiteBounds(places), Infinity].map(floatText));
  }

  /** Reads counts and bounds into lists, and goes back to the end. */
  #gatherNumbers(start: number, end: number): void {
    const reader = this.#reader;
    const point = this.#point;
    reader.at = start;
    while (reader.at < end) {
      const tag = reader.varint32(end);
      if (tag >>> 3 === 6) this.#readNumbers(tag, end, point.numbers);
      else if (tag >>> 3 === 7) this.#readNumbers(tag, end, point.places);
      else reader.skip(tag, end);
    }
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
    const layout = this.#points.addLayout(family, point.places, point.places.map(floatText));
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
      else if (field === 6 || (field === 7 && fields === HISTOGRAM_FIELDS)) this.#noteNumbers(tag, end);
      else if (field === fields.exemplars) {
        point.exemplars = this.#points.withExemplar(point.exemplars, tag, end);
      } else if (field === fields.attributes) {
        if ((tag & 7) !== WIRE_BYTES) throw reader.wrongType(tag);
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

  /** Notes where bucket counts (fixed64) or bounds (double) are, without reading them yet. */
  #noteNumbers(tag: number, end: number): void {
    const reader = this.#reader;
    const point = this.#point;
    const areCounts = tag >>> 3 === 6;
    const isFirst = (areCounts ? point.countsEnd : point.boundsEnd) === 0;
    if ((tag & 7) !== WIRE_BYTES) {
      reader.expect(tag, WIRE_BYTES, WIRE_FIXED64);
      reader.skip(tag, end);
      if (areCounts) this.#points.countNumbers(1);
      point.isInPieces = true;
      return;
    }
    const stop = reader.fieldEnd(end);
    const start = reader.at;
    if ((stop - start) % NUMBER_BYTES !== 0) throw reader.broken('a number of eight bytes is cut off');
    if (areCounts) this.#points.countNumbers((stop - start) / NUMBER_BYTES);
    reader.at = stop;
    if (!isFirst) point.isInPieces = true;
    else if (areCounts) [point.countsStart, point.countsEnd] = [start, stop];
    else [point.boundsStart, point.boundsEnd] = [start, stop];
  }

  /** Bucket counts (fixed64) or bounds (double), packed or one by one. */
  #readNumbers(tag: number, end: number, into: number[]): void {
    const reader = this.#reader;
    reader.expect(tag, WIRE_BYTES, WIRE_FIXED64);
    const stop = (tag & 7) === WIRE_BYTES ? reader.fieldEnd(end) : reader.at + 8;
    const areCounts = tag >>> 3 === 6;
    while (reader.at < stop) {
      const double = reader.double(Math.min(stop, end));
      if (into.length > maxBuckets) {
        // The point is refused, whatever else it has.
        if ((tag & 7) === WIRE_BYTES) reader.at = stop;
        return;
      }
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
    this.#points.countNumbers(1);
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

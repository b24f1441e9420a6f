import { grownColumn, unpaced, type Exemplar, type HistogramValue, type Redate } from '#telemetry';
import { checkLimit } from '../limits.ts';
import type { Family, Layout } from './family.ts';

/** Writers from here on stand for those of the request that are not known yet. */
export const FIRST_UNKNOWN_WRITER = 0x80000000;

/** A writer of the request that is not known, by the bytes of its attributes. */
export interface UnknownWriter {
  readonly family: Family;
  /** Of histograms and summaries. */
  readonly layout: Layout | null;
  readonly attributeBytes: Uint8Array;
}

const FIRST_CAPACITY = 4096;
/** Four megabytes: a full body of histograms needs no more. */
const MAX_KEPT_NUMBERS = 128 * FIRST_CAPACITY;

/**
 * The points of one request as they stand in it, in columns: what decoding leaves, and what storing begins with.
 * Nothing is allocated for a number of a known writer.
 */
export class PointRows {
  length = 0;
  /** Puts right what the sender's clock says; null where nothing is to be put right. */
  redate: Redate | null = null;
  /** Entry of the writer, or FIRST_UNKNOWN_WRITER + n. */
  writers = new Uint32Array(FIRST_CAPACITY);
  families = new Uint32Array(FIRST_CAPACITY);
  timesMs = new Float64Array(FIRST_CAPACITY);
  /** As the sender tells it: 0 where it does not. */
  startsMs = new Float64Array(FIRST_CAPACITY);
  /** The value; of histograms and summaries, where in `numbers` or `histograms` it stands. */
  values = new Float64Array(FIRST_CAPACITY);
  /** 1 where the point says that there is no value. */
  stale = new Uint8Array(FIRST_CAPACITY);
  /** The families of the request, as the column `families` counts them. */
  readonly familyList: Family[] = [];
  readonly unknown: UnknownWriter[] = [];
  /** Of histograms and summaries: count, sum, then one for each text of the layout. */
  numbers = new Float64Array(FIRST_CAPACITY);
  numbersLength = 0;
  readonly histograms: HistogramValue[] = [];
  readonly exemplars: { readonly row: number; readonly exemplar: Exemplar }[] = [];

  clear(): void {
    this.length = 0;
    this.numbersLength = 0;
    this.familyList.length = 0;
    this.unknown.length = 0;
    this.histograms.length = 0;
    this.exemplars.length = 0;
    // What one large request took is not kept for ever.
    if (this.writers.length > 64 * FIRST_CAPACITY) this.#begin();
    if (this.numbers.length > MAX_KEPT_NUMBERS) this.numbers = new Float64Array(FIRST_CAPACITY);
  }

  /** Makes room for so many points more, in steps: those that are there may have to be copied. */
  *makeRoom(more: number): Generator<void> {
    const { length } = this;
    const needed = length + more;
    if (needed <= this.writers.length) return;
    const capacity = Math.max(2 * this.writers.length, needed);
    const writers = yield* grownColumn(this.writers, new Uint32Array(capacity), length);
    this.families = yield* grownColumn(this.families, new Uint32Array(capacity), length);
    this.timesMs = yield* grownColumn(this.timesMs, new Float64Array(capacity), length);
    this.startsMs = yield* grownColumn(this.startsMs, new Float64Array(capacity), length);
    this.values = yield* grownColumn(this.values, new Float64Array(capacity), length);
    this.stale = yield* grownColumn(this.stale, new Uint8Array(capacity), length);
    // The one that tells how many there is room for, when all have it.
    this.writers = writers;
  }

  add(writer: number, timeMs: number, startMs: number, value: number, isStale: boolean): void {
    if (this.length === this.writers.length) unpaced(this.makeRoom(1));
    const row = this.length++;
    this.writers[row] = writer;
    this.families[row] = this.familyList.length - 1;
    this.timesMs[row] = this.dated(timeMs);
    this.startsMs[row] = startMs;
    this.values[row] = value;
    this.stale[row] = isStale ? 1 : 0;
  }

  /** What a time of the sender is here. */
  dated(timeMs: number): number {
    return this.redate === null ? timeMs : this.redate(timeMs);
  }

  addNumber(value: number): void {
    this.reserveNumbers(1);
    this.numbers[this.numbersLength++] = value;
  }

  /** Makes room for so many numbers more. */
  reserveNumbers(count: number): void {
    if (this.lacksNumbers(count)) unpaced(this.makeRoomForNumbers(count));
  }

  lacksNumbers(count: number): boolean {
    return this.numbersLength + count > this.numbers.length;
  }

  /** The same in steps. */
  *makeRoomForNumbers(count: number): Generator<void> {
    const capacity = Math.max(this.numbers.length * 2, this.numbersLength + count);
    this.numbers = yield* grownColumn(this.numbers, new Float64Array(capacity), this.numbersLength);
  }

  /** @throws OmoiError `body_too_large` */
  addUnknown(writer: UnknownWriter): number {
    checkLimit('maxRequestNewWriters', this.unknown.length + 1);
    return FIRST_UNKNOWN_WRITER + this.unknown.push(writer) - 1;
  }

  /** An exemplar of the row that is added next. */
  addExemplar(exemplar: Exemplar): void {
    checkLimit('maxRequestExemplars', this.exemplars.length + 1);
    this.exemplars.push({ row: this.length, exemplar });
  }

  #begin(): void {
    this.writers = new Uint32Array(FIRST_CAPACITY);
    this.families = new Uint32Array(FIRST_CAPACITY);
    this.timesMs = new Float64Array(FIRST_CAPACITY);
    this.startsMs = new Float64Array(FIRST_CAPACITY);
    this.values = new Float64Array(FIRST_CAPACITY);
    this.stale = new Uint8Array(FIRST_CAPACITY);
  }
}

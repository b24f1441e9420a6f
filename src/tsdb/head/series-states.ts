import type { SeriesRef } from '#telemetry';
import { wordsOf } from '#telemetry';
import { grown } from '../chunk/chunk-table.ts';

const FIRST_CAPACITY = 1024;

/** What `flags` says of a series. */
export const HAS_FLOATS = 1;
export const HAS_HISTOGRAMS = 2;
export const NEWEST_IS_HISTOGRAM = 4;
export const HAS_LATE_SAMPLES = 8;
export const IS_SUBSCRIBED = 16;
/** The log of this run knows what the reference stands for. */
export const IS_LOGGED = 32;
export const IS_RETIRED = 64;

/** What the head knows of each series, in columns indexed by reference: 50 bytes a series and no objects. */
export class SeriesStates {
  /** Time and value of the newest sample; −Infinity before the first. Instant reads are served from these. */
  newestMs = new Float64Array(FIRST_CAPACITY).fill(Number.NEGATIVE_INFINITY);
  newestValues = new Float64Array(FIRST_CAPACITY);
  /** The memory of `newestValues`. */
  newestWords: Uint32Array = wordsOf(this.newestValues);
  /** The open chunk: its first time, slot, slot class, length in bits, samples, last distance and XOR window. */
  firstMs = new Float64Array(FIRST_CAPACITY);
  slots = new Uint32Array(FIRST_CAPACITY);
  slotClasses = new Uint8Array(FIRST_CAPACITY);
  bitLengths = new Uint16Array(FIRST_CAPACITY);
  counts = new Uint8Array(FIRST_CAPACITY);
  distancesMs = new Int32Array(FIRST_CAPACITY);
  windows = new Uint16Array(FIRST_CAPACITY);
  /** Ends of the chain of sealed chunks. */
  firstChunks = new Uint32Array(FIRST_CAPACITY);
  lastChunks = new Uint32Array(FIRST_CAPACITY);
  flags = new Uint8Array(FIRST_CAPACITY);

  /** Makes room for a reference. */
  reserve(ref: SeriesRef): void {
    if (ref < this.flags.length) return;
    let capacity = this.flags.length;
    while (capacity <= ref) capacity *= 2;
    this.newestMs = grown(this.newestMs, new Float64Array(capacity).fill(Number.NEGATIVE_INFINITY));
    this.newestValues = grown(this.newestValues, new Float64Array(capacity));
    this.newestWords = wordsOf(this.newestValues);
    this.firstMs = grown(this.firstMs, new Float64Array(capacity));
    this.slots = grown(this.slots, new Uint32Array(capacity));
    this.slotClasses = grown(this.slotClasses, new Uint8Array(capacity));
    this.bitLengths = grown(this.bitLengths, new Uint16Array(capacity));
    this.counts = grown(this.counts, new Uint8Array(capacity));
    this.distancesMs = grown(this.distancesMs, new Int32Array(capacity));
    this.windows = grown(this.windows, new Uint16Array(capacity));
    this.firstChunks = grown(this.firstChunks, new Uint32Array(capacity));
    this.lastChunks = grown(this.lastChunks, new Uint32Array(capacity));
    this.flags = grown(this.flags, new Uint8Array(capacity));
  }

  hasFlag(ref: SeriesRef, flag: number): boolean {
    return ((this.flags[ref] ?? 0) & flag) !== 0;
  }

  setFlag(ref: SeriesRef, flag: number): void {
    this.flags[ref] = (this.flags[ref] ?? 0) | flag;
  }

  clearFlag(ref: SeriesRef, flag: number): void {
    this.flags[ref] = (this.flags[ref] ?? 0) & ~flag;
  }
}

import { wordsOf } from '#telemetry';

const FIRST_CAPACITY = 1024;

/** A growable pair of columns that chunks are decoded into. Values keep their bits. */
export class SampleColumns {
  timestampsMs: Float64Array;
  values: Float64Array;
  /** The memory of `values`. */
  words: Uint32Array;
  length = 0;

  constructor(capacity = FIRST_CAPACITY) {
    this.timestampsMs = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
    this.words = wordsOf(this.values);
  }

  /** Makes room for `count` more samples. */
  reserve(count: number): void {
    const wanted = this.length + count;
    if (wanted <= this.values.length) return;
    const capacity = Math.max(wanted, this.values.length * 2);
    const timestampsMs = new Float64Array(capacity);
    timestampsMs.set(this.timestampsMs.subarray(0, this.length));
    const values = new Float64Array(capacity);
    values.set(this.values.subarray(0, this.length));
    this.timestampsMs = timestampsMs;
    this.values = values;
    this.words = wordsOf(values);
  }

  /** Adds a sample given by its bits. Room must have been reserved. */
  push(timestampMs: number, high: number, low: number): void {
    const at = this.length++;
    this.timestampsMs[at] = timestampMs;
    this.words[2 * at] = low;
    this.words[2 * at + 1] = high;
  }

  /**
   * Puts the samples from `start` on in order of time; of two with the same time the one that was added first
   * stays. They usually are in order, which costs one look at each.
   */
  sortFrom(start: number): void {
    let ordered = true;
    for (let at = start + 1; at < this.length && ordered; at++) {
      ordered = (this.timestampsMs[at - 1] ?? 0) < (this.timestampsMs[at] ?? 0);
    }
    if (!ordered) this.#sortAndMerge(start);
  }

  /** Keeps, of the samples from `start` on, which are in order, those in [startMs, endMs]. */
  trimFrom(start: number, startMs: number, endMs: number): void {
    const { timestampsMs } = this;
    while (this.length > start && (timestampsMs[this.length - 1] ?? 0) > endMs) this.length--;
    let first = start;
    while (first < this.length && (timestampsMs[first] ?? 0) < startMs) first++;
    if (first === start) return;
    timestampsMs.copyWithin(start, first, this.length);
    this.words.copyWithin(2 * start, 2 * first, 2 * this.length);
    this.length -= first - start;
  }

  /** Becomes what other columns are; they are not to be used any more. */
  takeFrom(columns: SampleColumns): void {
    this.timestampsMs = columns.timestampsMs;
    this.values = columns.values;
    this.words = columns.words;
    this.length = columns.length;
  }

  /** The samples in [startMs, endMs] of columns that are in order, as views. */
  within(
    startMs: number,
    endMs: number,
  ): { readonly timestampsMs: Float64Array; readonly values: Float64Array } {
    const from = this.#countWhile((timeMs) => timeMs < startMs);
    const to = this.#countWhile((timeMs) => timeMs <= endMs);
    return { timestampsMs: this.timestampsMs.subarray(from, to), values: this.values.subarray(from, to) };
  }

  /** How many samples stand before the first for whose time something no longer holds. */
  #countWhile(holds: (timeMs: number) => boolean): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (holds(this.timestampsMs[middle] ?? 0)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #sortAndMerge(start: number): void {
    const places = Array.from({ length: this.length - start }, (_, offset) => start + offset);
    places.sort((a, b) => (this.timestampsMs[a] ?? 0) - (this.timestampsMs[b] ?? 0) || a - b);
    const timestampsMs = this.timestampsMs.slice();
    const words = this.words.slice();
    let count = start;
    for (const place of places) {
      const timestampMs = timestampsMs[place] ?? 0;
      if (count > start && this.timestampsMs[count - 1] === timestampMs) continue;
      this.timestampsMs[count] = timestampMs;
      this.words[2 * count] = words[2 * place] ?? 0;
      this.words[2 * count + 1] = words[2 * place + 1] ?? 0;
      count++;
    }
    this.length = count;
  }
}

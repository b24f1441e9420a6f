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

/**
 * Prometheus's staleness marker: the NaN with the bits 0x7ff0000000000002. JavaScript may lose the payload of
 * a NaN that travels as a plain number, so markers are written and recognised in the memory of a Float64Array,
 * and arrays are copied with `TypedArray.prototype.set`, which copies bits.
 */
const STALE_HIGH_WORD = 0x7ff00000;
const STALE_LOW_WORD = 0x00000002;

/** The 32-bit words of the same memory (little endian: low word first). Keep it beside the array in hot code. */
export function wordsOf(values: Float64Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
}

/** Writes a staleness marker at `index`; `words` is `wordsOf(values)`. */
export function writeStaleMarker(words: Uint32Array, index: number): void {
  words[2 * index] = STALE_LOW_WORD;
  words[2 * index + 1] = STALE_HIGH_WORD;
}

/** Whether the value at `index` is a staleness marker; `words` is `wordsOf(values)`. */
export function isStaleMarker(words: Uint32Array, index: number): boolean {
  return words[2 * index] === STALE_LOW_WORD && words[2 * index + 1] === STALE_HIGH_WORD;
}

export type Column = Float64Array | Uint32Array | Uint8Array;

/** What is copied between two chances to pause. */
const BYTES_PER_STEP = 128 * 1024;

/**
 * Copies the first `length` numbers of a column into a larger one; yields now and then. New memory costs a fault a page
 * when it is first written: in one go 5 ms for a megabyte.
 */
export function* grownColumn<Some extends Column>(
  from: Some,
  to: Some,
  length: number,
): Generator<void, Some> {
  const perStep = BYTES_PER_STEP / from.BYTES_PER_ELEMENT;
  for (let at = 0; at < length; at += perStep) {
    to.set(from.subarray(at, Math.min(length, at + perStep)), at);
    yield;
  }
  return to;
}

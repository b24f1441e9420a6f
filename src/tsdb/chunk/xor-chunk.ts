import type { BitReader, BitWriter } from './bits.ts';
import type { SampleColumns } from './sample-columns.ts';

/*
 * The bit stream of an open chunk, after Pelkonen et al., "Gorilla" (VLDB 2015), with classes of timestamp steps
 * that suit milliseconds. The first timestamp and the number of samples are kept beside the stream.
 *
 *   first sample   64 bits: the value
 *   each further   step value
 *
 *   step (change of the distance to the sample before; the first distance counts as a change from 0)
 *     0                    none
 *     10   + 7 bits        −63 … 64          (offset by 63)
 *     110  + 14 bits       −8191 … 8192      (offset by 8191)
 *     1110 + 26 bits       ±33 million       (offset by 2^25 − 1)
 *     1111 + 53 bits       anything else     (offset by 2^52; 21 high bits, then 32)
 *
 *   value (XOR with the value before)
 *     0                    the same
 *     10 + n bits          differs inside the window of the last 11
 *     11 + 5 bits leading zeros (at most 31) + 6 bits n − 1 + n bits: a new window
 *   A new window is also opened where the old one would cost more.
 */

/** The most bits that one further sample can take. */
export const MAX_SAMPLE_BITS = 4 + 53 + 2 + 5 + 6 + 64;

/** A window is leading zeros × 128 + length; 0 is none. */
export type XorWindow = number;
const WINDOW_HEADER_BITS = 11;
const STEP_OFFSET_26 = 2 ** 25 - 1;
const STEP_OFFSET_53 = 2 ** 52;
const WORD = 2 ** 32;

export function writeStep(writer: BitWriter, step: number): void {
  if (step === 0) writer.write(0, 1);
  else if (step >= -63 && step <= 64) writer.write((0b10 << 7) | (step + 63), 9);
  else if (step >= -8191 && step <= 8192) writer.write((0b110 << 14) | (step + 8191), 17);
  else if (step >= -STEP_OFFSET_26 && step <= STEP_OFFSET_26) {
    writer.write((0b1110 << 26) | (step + STEP_OFFSET_26), 30);
  } else {
    const shifted = step + STEP_OFFSET_53;
    writer.write(0b1111, 4);
    writer.write(Math.floor(shifted / WORD), 21);
    writer.write(shifted % WORD, 32);
  }
}

function readStep(reader: BitReader): number {
  switch (reader.readOnes(4)) {
    case 0:
      return 0;
    case 1:
      return reader.read(7) - 63;
    case 2:
      return reader.read(14) - 8191;
    case 3:
      return reader.read(26) - STEP_OFFSET_26;
    default: {
      const high = reader.read(21);
      return high * WORD + reader.read(32) - STEP_OFFSET_53;
    }
  }
}

/**
 * Writes a value as its XOR with the one before (two 32-bit words).
 * @returns the window for the next value
 */
export function writeXor(writer: BitWriter, high: number, low: number, window: XorWindow): XorWindow {
  if (high === 0 && low === 0) {
    writer.write(0, 1);
    return window;
  }
  const leading = Math.min(31, high !== 0 ? Math.clz32(high) : 32 + Math.clz32(low));
  const trailing = low !== 0 ? 31 - Math.clz32(low & -low) : 63 - Math.clz32(high & -high);
  const length = 64 - leading - trailing;
  const windowLength = window & 127;
  const windowLeading = window >>> 7;
  const fits = windowLength > 0 && leading >= windowLeading && windowLeading + windowLength >= 64 - trailing;
  if (fits && windowLength <= length + WINDOW_HEADER_BITS) {
    writer.write(0b10, 2);
    writeMiddle(writer, high, low, window);
    return window;
  }
  writer.write((0b11 << 11) | (leading << 6) | (length - 1), 13);
  const opened = (leading << 7) | length;
  writeMiddle(writer, high, low, opened);
  return opened;
}

function writeMiddle(writer: BitWriter, high: number, low: number, window: XorWindow): void {
  const length = window & 127;
  const trailing = 64 - (window >>> 7) - length;
  if (trailing >= 32) {
    writer.write(high >>> (trailing - 32), length);
    return;
  }
  const lowPart = trailing === 0 ? low : (low >>> trailing) | (high << (32 - trailing));
  if (length > 32) {
    writer.write(high >>> trailing, length - 32);
    writer.write(lowPart, 32);
  } else {
    writer.write(lowPart, length);
  }
}

/** Decodes `count` samples from the reader's place on, the first of them at `firstMs`. */
export function readXorChunk(reader: BitReader, count: number, firstMs: number, into: SampleColumns): void {
  if (count === 0) return;
  into.reserve(count);
  let high = reader.read(32) | 0;
  let low = reader.read(32) | 0;
  let timestampMs = firstMs;
  let distanceMs = 0;
  let leading = 0;
  let length = 0;
  into.push(timestampMs, high, low);
  for (let left = count - 1; left > 0; left--) {
    distanceMs += readStep(reader);
    timestampMs += distanceMs;
    if (reader.read(1) === 1) {
      if (reader.read(1) === 1) {
        leading = reader.read(5);
        length = reader.read(6) + 1;
      }
      const trailing = Math.max(0, 64 - leading - length);
      const upper = length > 32 ? reader.read(length - 32) : 0;
      const lower = reader.read(length > 32 ? 32 : Math.max(1, length));
      if (trailing >= 32) {
        high ^= lower << (trailing - 32);
      } else if (trailing === 0) {
        high ^= upper;
        low ^= lower;
      } else {
        high ^= (upper << trailing) | (lower >>> (32 - trailing));
        low ^= lower << trailing;
      }
    }
    into.push(timestampMs, high, low);
  }
}

import type { WireReader } from '../../wire-reader.ts';

/*
 * Nanoseconds since the epoch, fixed64, as milliseconds or microseconds, rounded down: exact where a double of the
 * nanoseconds would be off by 256, and so now and then by a millisecond. 2^32 = 4294 × 10^6 + 967296.
 */

/** Milliseconds of the fixed64 at `at`. */
export function millisecondsAt({ view }: WireReader, at: number): number {
  const high = view.getUint32(at + 4, true);
  return high * 4294 + Math.floor((high * 967_296 + view.getUint32(at, true)) / 1_000_000);
}

/** Microseconds of the fixed64 at `at`; above 2^53 the nearest double. */
export function microsecondsAt({ view }: WireReader, at: number): number {
  const high = view.getUint32(at + 4, true);
  return high * 4_294_967 + Math.floor((high * 296 + view.getUint32(at, true)) / 1000);
}

/** An unsigned fixed64; above 2^53 the nearest double. */
export function unsigned64At({ view }: WireReader, at: number): number {
  return view.getUint32(at + 4, true) * 4_294_967_296 + view.getUint32(at, true);
}

/** A signed fixed64; beyond 2^53 the nearest double. */
export function signed64At({ view }: WireReader, at: number): number {
  return view.getInt32(at + 4, true) * 4_294_967_296 + view.getUint32(at, true);
}

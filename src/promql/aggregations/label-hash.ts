import type { Labels } from '#telemetry';

const PRIME_1 = 0x9e3779b185ebca87n;
const PRIME_2 = 0xc2b2ae3d27d4eb4fn;
const PRIME_3 = 0x165667b19e3779f9n;
const PRIME_4 = 0x85ebca77c2b2ae63n;
const PRIME_5 = 0x27d4eb2f165667c5n;
const MASK = (1n << 64n) - 1n;

/**
 * The hash of a label set that Prometheus computes, so that what it chooses by hash is chosen here too: XXH64 (seed 0)
 * of names and values in the order of the names, each behind its length in one byte (from 255 on: 255 and three bytes,
 * little-endian).
 */
export function hashOfLabels(labels: Labels): bigint {
  const parts: Buffer[] = [];
  for (const name of Object.keys(labels).sort()) {
    const value = labels[name];
    if (value) parts.push(...lengthPrefixed(name), ...lengthPrefixed(value));
  }
  return xxh64(Buffer.concat(parts));
}

function lengthPrefixed(text: string): readonly [Buffer, Buffer] {
  const bytes = Buffer.from(text);
  const { length } = bytes;
  if (length < 255) return [Buffer.from([length]), bytes];
  return [Buffer.from([255, length & 255, (length >> 8) & 255, (length >> 16) & 255]), bytes];
}

/** XXH64 with seed 0, as its specification words it (github.com/Cyan4973/xxHash, doc/xxhash_spec.md). */
export function xxh64(bytes: Buffer): bigint {
  const { length } = bytes;
  let at = 0;
  let hash = PRIME_5;
  if (length >= 32) {
    const lanes = [(PRIME_1 + PRIME_2) & MASK, PRIME_2, 0n, (MASK + 1n - PRIME_1) & MASK];
    for (; at + 32 <= length; at += 32) {
      for (let lane = 0; lane < 4; lane++) {
        lanes[lane] = round(lanes[lane] ?? 0n, bytes.readBigUInt64LE(at + lane * 8));
      }
    }
    const [a = 0n, b = 0n, c = 0n, d = 0n] = lanes;
    hash = (rotate(a, 1n) + rotate(b, 7n) + rotate(c, 12n) + rotate(d, 18n)) & MASK;
    for (const lane of lanes) hash = ((hash ^ round(0n, lane)) * PRIME_1 + PRIME_4) & MASK;
  }
  hash = (hash + BigInt(length)) & MASK;
  for (; at + 8 <= length; at += 8) {
    hash = (rotate(hash ^ round(0n, bytes.readBigUInt64LE(at)), 27n) * PRIME_1 + PRIME_4) & MASK;
  }
  if (at + 4 <= length) {
    hash ^= (BigInt(bytes.readUInt32LE(at)) * PRIME_1) & MASK;
    hash = (rotate(hash, 23n) * PRIME_2 + PRIME_3) & MASK;
    at += 4;
  }
  for (; at < length; at++) {
    hash ^= (BigInt(bytes[at] ?? 0) * PRIME_5) & MASK;
    hash = (rotate(hash, 11n) * PRIME_1) & MASK;
  }
  return avalanche(hash);
}

function round(accumulator: bigint, input: bigint): bigint {
  return (rotate((accumulator + input * PRIME_2) & MASK, 31n) * PRIME_1) & MASK;
}

function rotate(value: bigint, bits: bigint): bigint {
  return ((value << bits) | (value >> (64n - bits))) & MASK;
}

function avalanche(hash: bigint): bigint {
  const first = ((hash ^ (hash >> 33n)) * PRIME_2) & MASK;
  const second = ((first ^ (first >> 29n)) * PRIME_3) & MASK;
  return second ^ (second >> 32n);
}

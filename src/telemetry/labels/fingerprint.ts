import type { Labels } from './label-set.ts';

const SEPARATOR = 0xff;

/**
 * The FNV-1a 64 hash of a label set, as Alertmanager computes it: over `name 0xFF value 0xFF`, names sorted.
 * 16 hex digits.
 */
export function fingerprintOf(labels: Labels): string {
  // The offset basis 0xcbf29ce484222325 and the prime 2^40 + 0x1b3, in halves of 32 bits.
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  const add = (byte: number): void => {
    low = (low ^ byte) >>> 0;
    const product = low * 0x1b3;
    high = (Math.imul(high, 0x1b3) + Math.floor(product / 0x1_0000_0000) + (low << 8)) >>> 0;
    low = product >>> 0;
  };
  for (const name of Object.keys(labels).sort()) {
    for (const text of [name, labels[name] ?? '']) {
      // Most texts are ASCII, whose codes are their bytes.
      if (Buffer.byteLength(text) === text.length)
        for (let at = 0; at < text.length; at++) add(text.charCodeAt(at));
      else for (const byte of Buffer.from(text)) add(byte);
      add(SEPARATOR);
    }
  }
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

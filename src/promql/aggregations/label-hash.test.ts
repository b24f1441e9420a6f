import { describe, expect, it } from 'vitest';
import { hashOfLabels, xxh64 } from './label-hash.ts';

describe('hashing labels', () => {
  it.each([
    ['', 0xef46db3751d8e999n],
    ['a', 0xd24ec4f1a98c6e5bn],
    ['abc', 0x44bc2cf5ad770999n],
    ['Nobody inspects the spammish repetition', 0xfbcea83c8a378bf1n],
    ['Call me Ishmael. Some years ago--never mind how long precisely-', 0x02a2e85470d6fd96n],
  ])('is XXH64: %j', (text, hash) => {
    expect(xxh64(Buffer.from(text))).toBe(hash);
  });

  it('hashes names in their order, each behind its length, and no empty value', () => {
    const encoded = Buffer.from('\x08__name__\x01m\x01a\x011');
    expect(hashOfLabels({ a: '1', __name__: 'm', gone: '' })).toBe(xxh64(encoded));
  });

  it('writes long lengths in four bytes', () => {
    const value = 'v'.repeat(300);
    const encoded = Buffer.concat([Buffer.from([1, 0x61, 255, 44, 1, 0]), Buffer.from(value)]);
    expect(hashOfLabels({ a: value })).toBe(xxh64(encoded));
  });
});

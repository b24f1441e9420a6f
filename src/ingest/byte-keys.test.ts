import { expect, test } from 'vitest';
import { ByteKeys } from './byte-keys.ts';

const encode = (key: string) => {
  const bytes = Buffer.from(key);
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
};

test('every key is found while the table grows, and no other', () => {
  const keys = new ByteKeys({ seed: 7, maxBytes: 1 << 24 });
  const entryOf = (key: string): number => {
    const { bytes, view } = encode(key);
    return keys.find(1, keys.hash(1, view, 0, bytes.length), view, 0, bytes.length);
  };
  const add = (key: string): number => {
    const { bytes, view } = encode(key);
    return keys.add(1, keys.hash(1, view, 0, bytes.length), bytes);
  };
  for (let at = 0; at < 20_000; at++) {
    expect(add(`key ${at}`)).toBe(at + 1);
    // One of those that move last, one in the middle, and one that is not there.
    expect(entryOf(`key ${Math.min(at, 4094)}`)).toBe(Math.min(at, 4094) + 1);
    expect(entryOf(`key ${at >>> 1}`)).toBe((at >>> 1) + 1);
    expect(entryOf(`key ${at + 1}`)).toBe(0);
    // Known ones are not added again.
    expect(add(`key ${at >>> 1}`)).toBe((at >>> 1) + 1);
  }
  expect(keys.size).toBe(20_000);
  for (let at = 0; at < 20_000; at++) expect(entryOf(`key ${at}`)).toBe(at + 1);
  keys.clear();
  expect(entryOf('key 1')).toBe(0);
  expect(add('key 1')).toBe(1);
});

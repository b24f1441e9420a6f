import { expect, test } from 'vitest';
import { SeriesCache } from './series-cache.ts';

const bytesOf = (text: string): Uint8Array => Buffer.from(text);

/** The reference for a text that stands somewhere inside other bytes, as labels do in a request. */
function find(cache: SeriesCache, text: string, offset = 0): number {
  const bytes = Buffer.from(`${'x'.repeat(offset)}${text}yyy`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = offset + Buffer.byteLength(text);
  return cache.find(cache.hash(view, offset, end), view, offset, end);
}

function add(cache: SeriesCache, text: string, ref: number): void {
  const bytes = bytesOf(text);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  cache.add(cache.hash(view, 0, bytes.length), bytes, ref);
}

test('finds what was added, wherever it stands, and nothing else', () => {
  const cache = new SeriesCache({ seed: 7, maxBytes: 1 << 26 });
  for (let at = 1; at <= 20_000; at++) add(cache, `series ${at} ${'é'.repeat(at % 50)}`, at);
  for (let at = 1; at <= 20_000; at += 13) {
    expect(find(cache, `series ${at} ${'é'.repeat(at % 50)}`, at % 9)).toBe(at);
    expect(find(cache, `series ${at} ${'é'.repeat(at % 50)}é`)).toBe(0);
  }
  expect(cache.size).toBe(20_000);
});

test('series that come in the same order are found without a hash', () => {
  const cache = new SeriesCache({ seed: 7, maxBytes: 1 << 20 });
  for (let at = 1; at <= 100; at++) add(cache, `series ${at}`, 1000 + at);
  const next = (text: string): number => {
    const bytes = bytesOf(text);
    return cache.findNext(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.length);
  };
  expect(find(cache, 'series 10')).toBe(1010);
  expect(next('series 11')).toBe(1011);
  expect(next('series 13')).toBe(0);
  expect(next('series 12')).toBe(1012);
  expect(find(cache, 'series 100')).toBe(1100);
  expect(next('series 1')).toBe(0);
  cache.clear();
  expect(next('series 1')).toBe(0);
});

test('the same bytes twice are one entry, whose last reference counts', () => {
  const cache = new SeriesCache({ seed: 7, maxBytes: 1 << 20 });
  add(cache, 'a', 1);
  add(cache, 'a', 2 ** 40 + 2);
  expect(find(cache, 'a')).toBe(2 ** 40 + 2);
  expect(cache.size).toBe(1);
});

test('hashes that meet are told apart by their bytes', () => {
  const cache = new SeriesCache({ seed: 7, maxBytes: 1 << 20 });
  for (const [at, text] of ['a', 'b', 'c'].entries()) cache.add(42, bytesOf(text), at + 1);
  const view = new DataView(Uint8Array.of(99).buffer);
  expect(cache.find(42, view, 0, 1)).toBe(3);
});

test('a full cache starts anew rather than grow', () => {
  const cache = new SeriesCache({ seed: 7, maxBytes: 1 << 20 });
  const long = 'x'.repeat(10_000);
  for (let at = 1; at <= 300; at++) add(cache, `${at}${long}`, at);
  expect(cache.size).toBeLessThan(110);
  expect(find(cache, `300${long}`)).toBe(300);
});

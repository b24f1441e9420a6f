import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { recordOf, recordOfAtMost, remarkText, storedText, toStorable } from './stored-text.ts';

describe('a text that is kept', () => {
  it.each([
    ['key', true],
    ['ключ 💩', true],
    ['', true],
    ['1234567890', true],
    ['12345678901', false],
    ['a\0b', false],
    ['\ud83d', false],
    ['\udca9\ud83d', false],
  ])('%j: %s', (text, taken) => {
    expect(storedText(10).safeParse(text).success).toBe(taken);
  });

  it('is made fit to be kept where nobody looks it up', () => {
    expect(toStorable('exit\0 code 💩 \ud83d')).toBe('exit\uFFFD code 💩 \uFFFD');
  });
});

describe('a remark', () => {
  it.each([
    ['disk full', 'disk full'],
    ['', ''],
    ['1234567890', '1234567890'],
    ['12345678901', '1234567890'],
    ['123456789💩', '123456789'],
    ['12345678💩', '12345678💩'],
    ['12345678💩💩', '12345678💩'],
    ['a\0b\ud83d', 'a\uFFFDb\uFFFD'],
  ])('%j is kept as %j', (said, kept) => {
    expect(remarkText(10).parse(said)).toBe(kept);
  });
});

describe('a record whose keys others choose', () => {
  it.each([
    ['{"a": "1", "constructor": "2"}', null],
    ['{}', null],
    ['{"__proto__": "1"}', '__proto__: no such name can be used here'],
    ['{"a": 1}', 'a: Invalid input: expected string, received number'],
    ['{"A": "1"}', 'A: Invalid key in record'],
  ])('%s: %s', (json, refused) => {
    const schema = recordOf(z.string().regex(/^[a-z]+$/), z.string());
    const { data, error } = schema.safeParse(JSON.parse(json));
    const [issue] = error?.issues ?? [];
    expect(issue ? `${issue.path.join('.')}: ${issue.message}` : null).toBe(refused);
    if (refused === null) expect(data).toEqual(JSON.parse(json));
  });
});

describe('a record of at most so many entries', () => {
  const seen: unknown[] = [];
  const value = z.string().refine((text) => seen.push(text) > 0);
  const schema = recordOfAtMost(3, z.string().regex(/^[a-z]+$/), value);

  it.each([
    [{}, true],
    [{ a: '1', b: '2', c: '3' }, true],
    [{ A: '1' }, false],
    [{ a: 1 }, false],
    [JSON.parse('{"__proto__": "1"}'), false],
    [['a'], false],
    [null, false],
    ['abc', false],
  ])('%j: %s', (given, taken) => {
    expect(schema.safeParse(given).success).toBe(taken);
  });

  it('looks at no entry where there are too many', () => {
    seen.length = 0;
    const { error } = schema.safeParse({ a: '1', b: '2', c: '3', d: '4' });
    expect(error?.issues.map(({ message }) => message)).toEqual(['must be an object of at most 3 entries']);
    expect(seen).toEqual([]);
  });
});

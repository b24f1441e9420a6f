import { describe, expect, it } from 'vitest';
import { weighJson, weighLargeJson } from './json-weight.ts';

const weigh = (text: string): number => weighJson(Buffer.from(text));
const lists = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const named = (count: number, bytes: number): string =>
  `{${Array.from({ length: count }, (_, at) => `"${String(at).padStart(bytes, '0')}":1`).join(',')}}`;

describe('a text of JSON', () => {
  it.each([
    ['objects', '{},'.repeat(45_000)],
    ['named values', '"a":1,'.repeat(45_000)],
    ['elements of lists', '1,'.repeat(450_000)],
    ['decimals in lists', '1.5,'.repeat(120_000)],
    ['texts in lists', '"a",'.repeat(95_000)],
    ['brackets, colons and commas in texts', `"${'[{:,'.repeat(100_000)}"`],
    ['texts with quotes', `"${'\\"{'.repeat(100_000)}"`],
    ['white space', ' '.repeat(4_000_000)],
    ['names of 24 bytes', named(35_000, 24)],
    ['letters in texts', `"${'a'.repeat(4_000_000)}"`],
  ])('may hold many %s', (_, text) => {
    expect(weigh(text)).toBeGreaterThanOrEqual(0);
  });

  it.each([
    ['objects', '{},'.repeat(50_001)],
    ['lists', '[],'.repeat(50_001)],
    ['named values', '"a":1,'.repeat(50_001)],
    ['elements of lists', '1,'.repeat(500_001)],
    ['decimals in lists', '1.5,'.repeat(125_001)],
    ['texts in lists', '"a",'.repeat(100_001)],
    ['names of 100 bytes', named(38_000, 100)],
    ['names of 1000 bytes', named(4_000, 1000)],
  ])('may not hold more %s than are parsed in no time', (_, text) => {
    expect(() => weigh(text)).toThrow(expect.objectContaining({ code: 'body_too_large' }));
  });

  it('may have no name that V8 does not hash', () => {
    expect(weigh(named(2, 8_192))).toBeGreaterThan(0);
    expect(() => weigh(named(1, 8_193))).toThrow(/a name of 8193 bytes; .* maxNameBytes \(8192\)/);
    expect(() => weigh(`{"${'\\"'.repeat(4_097)}" : 1}`)).toThrow(/a name of 8194 bytes/);
    expect(weigh(`["${'a'.repeat(9_000)}",":"]`)).toBeGreaterThan(0);
  });

  it('takes so much memory when it is read', () => {
    const [value, comma, text, point] = [80, 8, 32, 24];
    expect(weigh('{"count":1,"list":[2.5,"three",{}]}')).toBe(5 * value + 3 * comma + text + point);
  });

  it.each([
    ['lists within the limit', lists(500), true],
    ['one list more', lists(501), false],
    ['objects beyond it', '{"a":'.repeat(501), false],
    ['lists side by side', `[${lists(499)},"${'['.repeat(1_000)}",${lists(499)}]`, true],
    ['brackets behind a text that ends in a backslash', `["\\\\",${lists(500)}]`, false],
    ['a text without an end', `["${'['.repeat(1_000)}`, true],
    ['a text without an end that ends in a backslash', `["${'['.repeat(1_000)}\\"`, true],
  ])('may not be nested deeper than what reads it follows: %s', (_, text, taken) => {
    if (taken) expect(weigh(text)).toBeGreaterThan(0);
    else expect(() => weigh(text)).toThrow(expect.objectContaining({ code: 'malformed_json' }));
  });

  it('weighs the same in turns', async () => {
    const text = Buffer.from(named(30_000, 24));
    expect(await weighLargeJson(text)).toBe(weighJson(text));
    const escapes = Buffer.from(`["${'\\"'.repeat(300_000)}","${'['.repeat(300_000)}",1]`);
    expect(await weighLargeJson(escapes)).toBe(weighJson(escapes));
  });

  it('leaves others their turns while it is looked at', async () => {
    let turns = 0;
    const count = (): void => void (turns++, (next = setImmediate(count)));
    let next = setImmediate(count);
    await weighLargeJson(Buffer.from(' '.repeat(4_000_000)));
    clearImmediate(next);
    expect(turns).toBeGreaterThanOrEqual(4_000_000 / (256 * 1024) - 2);
  });
});

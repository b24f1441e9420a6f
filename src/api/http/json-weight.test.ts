import { describe, expect, it } from 'vitest';
import { weighJson as weighBytes } from './json-weight.ts';

const weighJson = (text: string): Promise<void> => weighBytes(Buffer.from(text));

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
  ])('may hold many %s', async (_, text) => {
    await expect(weighJson(text)).resolves.toBeUndefined();
  });

  it.each([
    ['objects', '{},'.repeat(50_001)],
    ['lists', '[],'.repeat(50_001)],
    ['named values', '"a":1,'.repeat(50_001)],
    ['elements of lists', '1,'.repeat(500_001)],
    ['decimals in lists', '1.5,'.repeat(125_001)],
    ['texts in lists', '"a",'.repeat(100_001)],
  ])('may not hold more %s than are parsed in no time', async (_, text) => {
    await expect(weighJson(text)).rejects.toMatchObject({ code: 'body_too_large' });
  });

  it('may not be nested deeper than what reads it follows', async () => {
    const lists = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    await expect(weighJson(`[${lists(499)},"${'['.repeat(1_000)}",${lists(499)}]`)).resolves.toBeUndefined();
    await expect(weighJson(lists(501))).rejects.toMatchObject({ code: 'malformed_json' });
    await expect(weighJson('{"a":'.repeat(501))).rejects.toMatchObject({ code: 'malformed_json' });
  });

  it('leaves others their turns while it is looked at', async () => {
    let turns = 0;
    const count = (): void => void (turns++, (next = setImmediate(count)));
    let next = setImmediate(count);
    await weighJson(' '.repeat(4_000_000));
    clearImmediate(next);
    expect(turns).toBeGreaterThanOrEqual(4_000_000 / (256 * 1024) - 2);
  });
});

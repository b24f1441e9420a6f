import { describe, expect, it } from 'vitest';
import { isNestedDeeper } from './json-nesting.ts';

const lists = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const objects = (depth: number): string => '{"a":'.repeat(depth) + '1' + '}'.repeat(depth);

describe('the nesting of a JSON text', () => {
  it.each([
    ['as many lists as allowed', lists(10), false],
    ['one list more', lists(11), true],
    ['as many objects as allowed', objects(10), false],
    ['one object more', objects(11), true],
    ['lists side by side', `[${'[],'.repeat(100)}[]]`, false],
    ['brackets within a text', JSON.stringify(['['.repeat(100), '\\"[[[[[[[[[[[[[', '\\']), false],
    ['brackets behind a text that ends in a backslash', `["\\\\",${lists(10)}]`, true],
    ['a text without an end', `["${'['.repeat(100)}`, false],
    ['a text without an end that ends in a backslash', `["${'['.repeat(100)}\\"`, false],
    ['lists without an end', '['.repeat(100_000), true],
  ])('%s', (_, text, deeper) => {
    expect(isNestedDeeper(text, 10)).toBe(deeper);
  });
});

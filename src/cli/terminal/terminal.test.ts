import { describe, expect, it } from 'vitest';
import { glanceOf } from './ages.ts';
import { wantsColours } from './colours.ts';
import { harmlessOutput } from './harmless-output.ts';
import { shortened, widthOf } from './width.ts';

it.each([
  [{ isTTY: true }, {}, true],
  [{ isTTY: true }, { NO_COLOR: '' }, true],
  [{ isTTY: true }, { NO_COLOR: '1' }, false],
  [{ isTTY: true }, { TERM: 'dumb' }, false],
  [{}, {}, false],
])('colours on %j under %j: %s', (stream, env, wanted) => {
  expect(wantsColours(stream, env)).toBe(wanted);
});

it.each([
  [0, '0s'],
  [-5, '0s'],
  [59_999, '59s'],
  [60_000, '1m'],
  [725_000, '12m5s'],
  [3_600_000 * 28, '1d4h'],
  [86_400_000 * 90, '90d'],
])('%d ms is %s at a glance', (durationMs, text) => {
  expect(glanceOf(durationMs)).toBe(text);
});

describe('the width of a text', () => {
  it.each([
    ['abc', 3],
    ['日本', 4],
    ['e\u0301', 1],
    ['🚀', 2],
  ])('%s takes %d cells', (text, cells) => expect(widthOf(text)).toBe(cells));

  it('is kept when it is shortened', () => {
    expect(shortened('日本語', 5)).toBe('日本…');
    expect(shortened('abc', 3)).toBe('abc');
  });
});

describe('the output of an agent', () => {
  it.each([
    ['colours', '\u001b[31mred\u001b[0m\n', 'red\n'],
    ['a cleared screen', 'a\u001b[2J\u001b[Hb', 'ab'],
    ['a title', '\u001b]0;mine\u0007x', 'x'],
    ['a bell and a backspace', 'a\u0007\b\n', 'a\\u0007\\u0008\n'],
    ['ends of lines of Windows', 'a\r\nb\r\n', 'a\nb\n'],
    ['tabs', 'a\tb', 'a\tb'],
    ['a C1 control', 'a\u009b31mb', 'ab'],
  ])('with %s only shows itself', (_, text, shown) => {
    expect(harmlessOutput(text)).toBe(shown);
  });
});

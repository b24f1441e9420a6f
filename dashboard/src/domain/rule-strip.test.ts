import { describe, expect, it } from 'vitest';
import { firedFor, stripOf } from './rule-strip.ts';

const SPAN = { fromMs: 0, toMs: 2400 };

describe('the strip of what fired', () => {
  it.each([
    ['nothing', [], []],
    ['all of it', [{ fromMs: -5, toMs: null }], [[0, 1, 1]]],
    ['a moment', [{ fromMs: 1200, toMs: 1200 }], [[0.5, 0.504, 1]]],
    [
      'two that overlap',
      [
        { fromMs: 0, toMs: 1195 },
        { fromMs: 600, toMs: null },
      ],
      [
        [0, 0.25, 1],
        [0.25, 0.5, 2],
        [0.5, 1, 1],
      ],
    ],
    [
      'what was before or comes after',
      [
        { fromMs: -9, toMs: -1 },
        { fromMs: 3000, toMs: null },
      ],
      [],
    ],
  ])('%s', (_name, episodes, blocks) => {
    const round = (share: number) => Math.round(share * 1000) / 1000;
    expect(stripOf(episodes, SPAN).map(({ from, to, count }) => [round(from), round(to), count])).toEqual(
      blocks,
    );
  });

  it('of a span without length has nothing', () => {
    expect(stripOf([{ fromMs: 0, toMs: null }], { fromMs: 5, toMs: 5 })).toEqual([]);
  });
});

describe('how long it fired', () => {
  it.each([
    [[], 0],
    [
      [
        { fromMs: 0, toMs: 100 },
        { fromMs: 50, toMs: 150 },
      ],
      150,
    ],
    [
      [
        { fromMs: -100, toMs: 100 },
        { fromMs: 2300, toMs: null },
      ],
      200,
    ],
  ])('%j', (episodes, ms) => {
    expect(firedFor(episodes, SPAN)).toBe(ms);
  });
});

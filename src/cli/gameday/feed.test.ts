import { describe, expect, it } from 'vitest';
import { bearableRate } from './feed.ts';

const look = (at: number, completed: number, queued: number, fed: number) => ({ at, completed, queued, fed });

describe('the rate that a fleet can bear', () => {
  it.each([
    // 20 tasks a second done while the queue stands still: 16 fed, 4 from elsewhere.
    ['a standing queue', [look(0, 0, 50, 0), look(5000, 100, 50, 80)], 0.8, 12],
    ['a queue that grows by 5 a second', [look(0, 0, 50, 0), look(5000, 50, 75, 75)], 0.8, 8],
    ['others who bring more than it can do', [look(0, 0, 50, 0), look(5000, 50, 75, 0)], 0.8, 0],
    [
      'a queue that is empty at times',
      [look(0, 0, 50, 0), look(1000, 9, 0, 9), look(5000, 50, 75, 75)],
      0.8,
      null,
    ],
    ['a single look', [look(0, 0, 50, 0)], 0.8, null],
  ])('%s', (_, looks, share, expected) => {
    expect(bearableRate(looks, share)).toBe(expected);
  });
});

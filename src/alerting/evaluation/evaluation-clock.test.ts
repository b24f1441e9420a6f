import { describe, expect, it } from 'vitest';
import { EvaluationClock } from './evaluation-clock.ts';

describe('evaluation time', () => {
  it.each([
    ['is now', 1000.7, 0, 1000],
    ['is that of a sample a little ahead', 1000, 5900, 5900],
    ['ignores what is too far ahead', 1000, 6001, 1000],
    ['ignores old samples', 9000, 100, 9000],
  ])('%s', (_name, wallMs, newestSampleMs, expected) => {
    expect(new EvaluationClock().next(wallMs, newestSampleMs)).toBe(expected);
  });

  it('never goes back and never stands', () => {
    const clock = new EvaluationClock(500);
    expect([clock.next(1000, 0), clock.next(1000, 0), clock.next(400, 0), clock.next(2000, 0)]).toEqual([
      1000, 1001, 1002, 2000,
    ]);
  });
});

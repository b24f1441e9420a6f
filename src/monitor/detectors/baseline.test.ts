import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CALM, DEFAULT_GATE_LIMITS, judge, type GateState } from './anomaly-gate.ts';
import { baselineOf, signedScore } from './baseline.ts';
import { RollingWindow } from './rolling-window.ts';

describe('the rolling window', () => {
  it('has the quantiles and the median distance of its last values, whatever they are', () => {
    // -0 and 0 are one number here.
    const value = fc.double({ noNaN: true, min: -1e6, max: 1e6 }).map((number) => number + 0);
    const values = fc.array(value, { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 20 }), (pushed, capacity) => {
        const window = new RollingWindow(capacity);
        for (const value of pushed) window.push(value);
        const kept = pushed.slice(-capacity).sort((a, b) => a - b);
        expect(window.length).toBe(kept.length);
        expect(window.quantile(0)).toBe(kept[0]);
        expect(window.quantile(1)).toBe(kept.at(-1));
        const centre = window.quantile(0.5);
        const distances = kept.map((value) => Math.abs(value - centre)).sort((a, b) => a - b);
        expect(window.medianDistanceFrom(centre)).toBeCloseTo(
          distances[Math.ceil(distances.length / 2) - 1] ?? Number.NaN,
          6,
        );
        expect(window.isWhole).toBe(kept.every((value) => Number.isInteger(value)));
      }),
    );
  });
});

describe('the score', () => {
  it.each([
    { what: 'a constant count', values: [5, 5, 5, 5], value: 6, floor: null, score: 1 },
    { what: 'a large constant', values: [1000, 1000, 1000], value: 1100, floor: null, score: 2 },
    { what: 'a constant share', values: [0.9, 0.9, 0.9], value: 0.45, floor: null, score: -10 },
    { what: 'a stated unit', values: [0.5, 0.5, 0.5], value: 2.5, floor: 1, score: 2 },
    { what: 'an extreme', values: [0, 0, 0], value: 1e12, floor: null, score: 1000 },
  ])('of $what is $score', ({ values, value, floor, score }) => {
    const window = new RollingWindow(10);
    for (const one of values) window.push(one);
    expect(signedScore(value, baselineOf(window, floor))).toBeCloseTo(score);
  });

  it('takes regular jumps for normal that the median absolute deviation does not see', () => {
    const window = new RollingWindow(100);
    for (let at = 0; at < 100; at++) window.push(at % 10 === 0 ? 12 : 0);
    const baseline = baselineOf(window, null);
    expect(window.medianDistanceFrom(0)).toBe(0);
    expect(signedScore(12, baseline)).toBeLessThan(2);
  });
});

describe('the gate', () => {
  it.each([
    { scores: [5, 5], phase: 'suspect' },
    { scores: [5, 5, 5], phase: 'open' },
    { scores: [5, 5, 1, 5, 5], phase: 'suspect' },
    { scores: [5, 5, 5, 3, 3, 3, 3], phase: 'open' },
    { scores: [5, 5, 5, 1, 1, 1], phase: 'open' },
    { scores: [5, 5, 5, 1, 1, 1, 1, 1, 1], phase: 'calm' },
    { scores: [5, 5, 5, 1, 1, 1, 3, 1, 1, 1], phase: 'open' },
  ])('is $phase after $scores, one a second', ({ scores, phase }) => {
    let state: GateState = CALM;
    scores.forEach((score, second) => {
      state = judge(state, { score, nowMs: second * 1000 }, DEFAULT_GATE_LIMITS);
    });
    expect(state.phase).toBe(phase);
  });
});

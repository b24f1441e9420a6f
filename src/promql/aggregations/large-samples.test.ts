import { describe, expect, it } from 'vitest';
import { createSeededRandom } from '#telemetry';
import { SAMPLES_AT_ONCE, type Steps } from '../evaluation/pacing.ts';
import { quantileInSteps, quantileOf } from './quantiles.ts';

const LENGTH = 3 * SAMPLES_AT_ONCE + 7;
const random = createSeededRandom(11);

const SAMPLES: readonly (readonly [string, (at: number) => number])[] = [
  ['of any size and sign', () => (random.next() - 0.5) * 10 ** (random.next() * 40 - 20)],
  ['of a few values', (at) => [3, -3, 0.5, 0, 1e300][(at * 7919) % 5] ?? 0],
  ['that are all the same', () => 42],
  ['that differ in their last bits', (at) => 1 + ((at * 7919) % LENGTH) * Number.EPSILON],
  ['that rise', (at) => at],
  ['with infinities and NaN', (at) => [Infinity, -Infinity, NaN, at, -at][at % 5] ?? 0],
  ['of NaN alone', () => NaN],
];

/** What the steps come to, and how many pauses they offered. */
function run<T>(steps: Steps<T>): { readonly value: T; readonly pauses: number } {
  let pauses = 0;
  for (;;) {
    const step = steps.next();
    if (step.done === true) return { value: step.value, pauses };
    pauses++;
  }
}

describe.each(SAMPLES)('a quantile in steps of numbers %s', (_, valueAt) => {
  const sample = Float64Array.from({ length: LENGTH }, (_value, at) => valueAt(at));

  it.each([-1, 0, 0.001, 0.25, 0.5, 0.9, 0.99999, 1, 2, NaN])('φ = %d', (phi) => {
    const { value, pauses } = run(quantileInSteps(phi, sample.slice()));
    expect(value).toBe(quantileOf(phi, sample.slice()));
    const takesSteps = phi >= 0 && phi <= 1;
    expect(pauses).toBeGreaterThanOrEqual(takesSteps ? LENGTH / SAMPLES_AT_ONCE : 0);
  });
});

import { describe, expect, it } from 'vitest';
import { cooldownMsOf } from './lineage.ts';

describe('how long a target is left alone', () => {
  it.each([
    [30_000, 1, 30_000],
    [30_000, 3, 120_000],
    [30_000, 20, 600_000],
    [30_000, 9_007_199_254_740_991, 600_000],
    [900_000, 5, 900_000],
    [0, 1, 0],
    [0, 5000, 0],
  ])('a cooldown of %i ms after %i attempts: %i ms', (cooldown, attempts, expectedMs) => {
    const guards = {
      cooldown,
      max_parallel: 1,
      max_starts: 10,
      window: 600_000,
      repair_burst: 4,
      repair_every: 250,
      spare_healthy: true,
    };
    expect(cooldownMsOf({ guards, relapse_window: 600_000 }, attempts)).toBe(expectedMs);
  });
});

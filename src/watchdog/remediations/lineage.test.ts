import { describe, expect, it } from 'vitest';
import { cooldownMsOf } from './lineage.ts';

const policyWith = (cooldown: number) => ({
  guards: {
    cooldown,
    max_parallel: 1,
    max_starts: 10,
    window: 600_000,
    repair_burst: 4,
    repair_every: 250,
    spare_healthy: true,
  },
  relapse_window: 600_000,
});
const lineages = Array.from({ length: 100 }, (_, at) => `restart_failed_agent agent:demo-${at}`);

describe('how long a target is left alone', () => {
  it.each([
    [30_000, 1, 30_000, 37_500],
    [30_000, 3, 120_000, 150_000],
    [30_000, 20, 480_000, 600_000],
    [30_000, 9_007_199_254_740_991, 480_000, 600_000],
    [900_000, 5, 900_000, 900_000],
    [0, 1, 0, 0],
    [0, 5000, 0, 0],
  ])('a cooldown of %i ms after %i attempts: %i to %i ms', (cooldown, attempts, leastMs, mostMs) => {
    for (const lineage of lineages) {
      const ms = cooldownMsOf(policyWith(cooldown), attempts, lineage);
      expect(ms).toBeGreaterThanOrEqual(leastMs);
      expect(ms).toBeLessThanOrEqual(mostMs);
      expect(cooldownMsOf(policyWith(cooldown), attempts, lineage)).toBe(ms);
    }
  });

  it('differs between lineages that failed together, over the whole of the jitter', () => {
    const all = lineages.map((lineage) => cooldownMsOf(policyWith(30_000), 1, lineage));
    expect(new Set(all).size).toBeGreaterThan(90);
    expect(Math.max(...all) - Math.min(...all)).toBeGreaterThan(0.8 * 7500);
  });
});

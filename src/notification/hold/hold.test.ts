import { describe, expect, it } from 'vitest';
import type { Guard } from '#telemetry';
import { holdsBeyond } from './hold.ts';

describe('whether a guard holds a repair back beyond the deadline', () => {
  it.each<readonly [Guard, number | null, boolean]>([
    ['cooldown', 59_000, false],
    ['cooldown', 60_000, false],
    ['cooldown', 60_001, true],
    ['repair_rate', 500, false],
    ['one_per_target', null, false],
    ['max_parallel', null, false],
    ['storm', null, true],
    ['paused', null, true],
    ['target_healthy', null, true],
    ['maintenance', 3_600_000, true],
    // It is asked again at that time, and a person has to change something until then.
    ['not_authorized', 30_000, true],
    ['observe', null, true],
  ])('%s until %s: %s', (suppressed, untilMs, beyond) => {
    expect(holdsBeyond({ suppressed, untilMs }, 60_000)).toBe(beyond);
  });
});

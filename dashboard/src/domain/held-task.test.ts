import { describe, expect, it } from 'vitest';
import { describeHeldTask, describeTimeLimits } from './held-task.ts';

const CLAIMED_AT = '2026-01-01T00:00:00.000Z';

describe('a task that an agent holds', () => {
  it.each([
    [12_000, 30_000, 'for 12s, limit 30s', false],
    [31_000, 30_000, 'for 31s, beyond its limit 30s', true],
    [300, 30_000, 'for a moment, limit 30s', false],
    [7_200_000, null, 'for 2h, no time limit', false],
  ])('held for %i ms with a limit of %s: %s', (heldMs, limitMs, text, isOver) => {
    const task = {
      task_id: 'task_01abcdef',
      task_type: 'fetch',
      claimed_at: CLAIMED_AT,
      time_limit_ms: limitMs,
    };
    expect(describeHeldTask(task, Date.parse(CLAIMED_AT) + heldMs)).toEqual({
      name: 'fetch abcdef',
      text,
      isOver,
    });
  });
});

describe('the time limits of a pool', () => {
  it.each([
    [{}, null],
    [{ '*': 600_000 }, 'any other 10m'],
    [{ '*': 600_000, index: 60_000, fetch: 30_000 }, 'fetch 30s, index 1m, any other 10m'],
  ])('%j are told as %s', (limits, text) =>
    expect(describeTimeLimits({ time_limits_ms: limits })).toBe(text),
  );
});

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SharedTicks } from './shared-ticks.ts';

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

const atMs = (): number => Math.round(performance.now());

it('fires all of a period at its multiples, each first after a whole one', async () => {
  const ticks = new SharedTicks();
  const startedAtMs = atMs();
  const fired: string[] = [];
  for (const [name, afterMs] of [
    ['a', 30],
    ['b', 90],
    ['c', 130],
  ] as const) {
    await vi.advanceTimersByTimeAsync(afterMs);
    ticks.every(100, () => void fired.push(`${name} ${atMs() - startedAtMs}`));
  }
  await vi.advanceTimersByTimeAsync(460 - 250);
  const at = (name: string): number[] =>
    fired.filter((one) => one.startsWith(name)).map((one) => Number(one.slice(2)));
  const moments = at('a');
  // Until 460 ms: of those that came at 30, 120 and 250 ms.
  for (const [name, sinceMs] of [
    ['a', 30],
    ['b', 120],
    ['c', 250],
  ] as const) {
    const first = at(name)[0] ?? NaN;
    expect(first - sinceMs).toBeGreaterThanOrEqual(98);
    expect(first - sinceMs).toBeLessThan(202);
    // What waits for its turn takes part of a millisecond here.
    expect(at(name).every((own) => moments.some((moment) => Math.abs(own - moment) <= 2))).toBe(true);
  }
  expect(new Set(moments.map((moment, index) => moment - (moments[index - 1] ?? moment - 100)))).toEqual(
    new Set([100]),
  );
});

it('wakes the thread once for periods that meet', async () => {
  const ticks = new SharedTicks();
  const fired = new Map<number, number>();
  const moments = new Set<number>();
  for (const periodMs of [100, 250, 500, 250, 100]) {
    ticks.every(periodMs, () => {
      fired.set(periodMs, (fired.get(periodMs) ?? 0) + 1);
      // Turns of one moment follow each other within some milliseconds.
      moments.add(Math.round(performance.now() / 10));
    });
    await vi.advanceTimersByTimeAsync(17);
  }
  await vi.advanceTimersByTimeAsync(10_000);
  // A second has 12 moments: ten of 100 ms, and two of 250 ms that are none of those.
  expect(moments.size).toBeLessThanOrEqual(121);
  expect(fired.get(100)).toBeGreaterThanOrEqual(198);
  expect(fired.get(250)).toBeGreaterThanOrEqual(78);
  expect(fired.get(500)).toBeGreaterThanOrEqual(19);
});

it('runs one after the microtasks of the one before, and the others where one throws', async () => {
  const ticks = new SharedTicks();
  const turns: string[] = [];
  ticks.every(100, () => {
    turns.push('first');
    queueMicrotask(() => turns.push('microtask'));
  });
  ticks.every(100, () => turns.push('second'));
  ticks.every(100, () => {
    throw new Error('of the third');
  });
  ticks.every(100, () => turns.push('fourth'));
  await expect(vi.advanceTimersByTimeAsync(210)).rejects.toThrow('of the third');
  await vi.advanceTimersByTimeAsync(10);
  expect(turns).toEqual(['first', 'microtask', 'second', 'fourth']);
});

it.each([
  ['quick ones share a turn', 0, ['first', 'second', 'immediate']],
  ['after a slow one whatever else waits has its turn', 1, ['first', 'immediate', 'second']],
])('%s', async (_, tookMs, expected) => {
  const ticks = new SharedTicks();
  const turns: string[] = [];
  const now = vi.spyOn(performance, 'now');
  ticks.every(100, () => {
    turns.push('first');
    setImmediate(() => turns.push('immediate'));
    now.mockReturnValue(performance.now() + tookMs);
  });
  ticks.every(100, () => {
    now.mockReset();
    turns.push('second');
  });
  await vi.advanceTimersByTimeAsync(210);
  expect(turns.slice(0, 3)).toEqual(expected);
});

it('calls what is cancelled no more, also where its turn was about to come', async () => {
  const ticks = new SharedTicks();
  const other = vi.fn<() => void>();
  ticks.every(100, () => second.cancel());
  const second = ticks.every(100, () => expect.fail('was cancelled'));
  const third = ticks.every(100, other);
  await vi.advanceTimersByTimeAsync(250);
  third.cancel();
  third.cancel();
  const calls = other.mock.calls.length;
  await vi.advanceTimersByTimeAsync(1000);
  expect(other).toHaveBeenCalledTimes(calls);
  expect(calls).toBeGreaterThan(0);
});

it('makes nothing up after a stall', async () => {
  const ticks = new SharedTicks();
  const run = vi.fn<() => void>();
  ticks.every(100, run);
  await vi.advanceTimersByTimeAsync(200);
  run.mockClear();
  const now = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 5000);
  await vi.advanceTimersByTimeAsync(100);
  now.mockRestore();
  expect(run).toHaveBeenCalledTimes(1);
});

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { atMostEvery } from './at-most-every.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('does the first at once, and of what follows without a pause one a second, the last among them', async () => {
  const done: number[] = [];
  const ask = atMostEvery(1000, () => Date.now());
  let takeBack = (): void => {};
  for (let asked = 0; asked < 100; asked++) {
    takeBack();
    takeBack = ask(() => done.push(asked));
    await vi.advanceTimersByTimeAsync(50);
  }
  expect(done).toEqual([0, 19, 39, 59, 79, 99]);
  await vi.advanceTimersByTimeAsync(10_000);
  takeBack = ask(() => done.push(100));
  expect(done).toEqual([0, 19, 39, 59, 79, 99, 100]);
});

it('does nothing that was taken back', async () => {
  let done = 0;
  const ask = atMostEvery(1000, () => Date.now());
  ask(() => done++);
  ask(() => done++)();
  await vi.advanceTimersByTimeAsync(5000);
  expect(done).toBe(1);
});

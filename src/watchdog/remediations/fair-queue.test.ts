import { describe, expect, it } from 'vitest';
import { silentLogger } from '#telemetry';
import { FairQueue } from './fair-queue.ts';

describe('a fair queue', () => {
  it('serves the lanes in turn, in order within each, and no more at once than it may', async () => {
    const queue = new FairQueue({ maxRunning: 2, logger: silentLogger });
    const begun: string[] = [];
    const ends: (() => void)[] = [];
    const push = (lane: string, name: string): void =>
      queue.push(lane, () => {
        begun.push(name);
        return new Promise<void>((resolve) => ends.push(resolve));
      });
    for (const name of ['a1', 'a2', 'a3', 'a4']) push('a', name);
    push('b', 'b1');
    expect(begun).toEqual(['a1', 'a2']);
    const expected = [['a3'], ['a3', 'b1'], ['a3', 'b1', 'a4']];
    for (const more of expected) {
      ends.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
      expect(begun).toEqual(['a1', 'a2', ...more]);
    }
  });

  it('goes on behind work that throws, and begins nothing once it is cleared', async () => {
    const queue = new FairQueue({ maxRunning: 1, logger: silentLogger });
    const begun: string[] = [];
    const first = Promise.withResolvers<void>();
    queue.push('a', () => first.promise);
    queue.push('a', async () => void begun.push('second'));
    first.reject(new Error('broken'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(begun).toEqual(['second']);
    const third = Promise.withResolvers<void>();
    queue.push('a', () => third.promise);
    queue.push('a', async () => void begun.push('fourth'));
    queue.clear();
    third.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(begun).toEqual(['second']);
  });
});

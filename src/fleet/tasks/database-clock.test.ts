import { beforeEach, describe, expect, it } from 'vitest';
import type { StateDatabase } from '#storage';
import { claimOf, heldBy, registration, task, useTestFleet } from '../fleet.test-support.ts';

const limits = { retryBaseMs: 1000, retryMaxMs: 1000 };

/** A database on another machine, whose clock differs from the server's. */
function withClockAhead(database: StateDatabase, byMs: number): StateDatabase {
  return {
    ...database,
    transaction: (work, options) =>
      database.transaction((tx) => work({ ...tx, nowMs: tx.nowMs + byMs }), options),
  };
}

describe.each([
  { where: 'ahead of', byMs: 60_000 },
  { where: 'behind', byMs: -60_000 },
])('tasks in a database whose clock is $where the server’s', ({ byMs }) => {
  const test = useTestFleet({ limits, around: (database) => withClockAhead(database, byMs) });

  beforeEach(async () => {
    await test.fleet.agents.register(
      registration('a', { heartbeatIntervalMs: 3_600_000, heartbeatTtlMs: 36_000_000 }),
    );
    // Losses right after the start are held against nobody.
    await test.clock.advance(10_000);
  });

  it('are given at once to the claim that waits', async () => {
    const waiting = test.fleet.tasks.claim(claimOf('a', { waitMs: 30_000 }));
    await test.clock.advance(1);
    const startMs = test.clock.monotonicMs();
    const given = waiting.then((tasks) => ({
      tasks: tasks.length,
      afterMs: test.clock.monotonicMs() - startMs,
    }));
    await test.fleet.tasks.enqueue([task(), task()], null);
    await test.clock.advance(60_000);
    expect(await given).toEqual({ tasks: 1, afterMs: 0 });
  });

  it('are given again when their pause is over', async () => {
    await test.fleet.tasks.enqueue([task()], null);
    const [claimed] = await test.fleet.tasks.claim(claimOf('a'));
    await test.fleet.tasks.fail(heldBy('a', claimed?.task_id ?? ''), { error: 'no luck', retry: true });
    const waiting = test.fleet.tasks.claim(claimOf('a', { waitMs: 30_000 }));
    const startMs = test.clock.monotonicMs();
    const given = waiting.then((tasks) => ({
      tasks: tasks.length,
      afterMs: test.clock.monotonicMs() - startMs,
    }));
    await test.clock.advance(60_000);
    const { tasks, afterMs } = await given;
    expect(tasks).toBe(1);
    expect(afterMs).toBeLessThanOrEqual(limits.retryMaxMs + 2);
  });

  it('are lost at their time limit, also across a restart, and no sooner or later', async () => {
    await test.fleet.tasks.enqueue([task({ timeLimitMs: 20_000 })], null);
    const [claimed] = await test.fleet.tasks.claim(claimOf('a', { leaseMs: 3_600_000 }));
    const state = async () => (await test.fleet.tasks.get(claimed?.task_id ?? '')).state;
    await test.clock.advance(10_000);
    expect(await state()).toBe('claimed');
    await test.stop();
    await test.start();
    await test.clock.advance(9_000);
    expect(await state()).toBe('claimed');
    await test.clock.advance(2_000);
    expect(await state()).toBe('queued');
  });
});

import { describe, expect, it } from 'vitest';
import { registration, task } from '../../src/fleet/fleet.test-support.ts';
import { claimOf, codeOf, lockOf, useFleetOn } from './fleet.test-support.ts';
import { DATABASE_KINDS } from './state-databases.ts';

const atOnce = 50;
const limits = { maxAgents: 10, maxQueuedTasks: 10, maxLocks: 10, maxLocksPerAgent: 5 };

/** How often each came out: `done`, or the code of a refusal. */
async function outcomesOf(asked: readonly Promise<unknown>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const outcome of await Promise.allSettled(asked)) {
    const what = outcome.status === 'fulfilled' ? 'done' : codeOf(outcome.reason);
    counts[what] = (counts[what] ?? 0) + 1;
  }
  return counts;
}

const times = <Element>(count: number, element: (at: number) => Element): Element[] =>
  Array.from({ length: count }, (_, at) => element(at));

describe.each(DATABASE_KINDS)('the limits of the fleet on $name', (kind) => {
  describe.skipIf(!kind.available)(`hold where ${atOnce} requests come at once:`, () => {
    const stage = useFleetOn(kind, limits);
    const enqueue = (count: number) =>
      stage.fleet.tasks.enqueue(
        times(count, () => task()),
        null,
      );

    it('agents', async () => {
      const register = (at: number) => stage.fleet.agents.register(registration(`agent-${at}`));
      expect(await outcomesOf(times(atOnce, register))).toEqual({ done: 10, agent_limit_reached: 40 });
      expect(stage.fleet.agents.size).toBe(10);
      const known = [...stage.fleet.agents.entries()].map(({ agentId }) => agentId);
      expect(await outcomesOf(known.map((id) => stage.fleet.agents.register(registration(id))))).toEqual({
        done: 10,
      });
    });

    it('queued tasks, one by one and several in a request', async () => {
      expect(await outcomesOf(times(atOnce, () => enqueue(1)))).toEqual({ done: 10, queue_full: 40 });
      expect(stage.queued).toBe(10);
      await stage.register('a');
      await stage.fleet.tasks.claim(claimOf('a', { maxTasks: 10 }));
      expect(await outcomesOf(times(atOnce, () => enqueue(3)))).toEqual({ done: 3, queue_full: 47 });
      expect(stage.queued).toBe(9);
    });

    it('tasks that are queued again', async () => {
      await stage.register('a');
      const failed: string[] = [];
      for (let round = 0; round < 2; round++) {
        await stage.fleet.tasks.enqueue(
          times(10, () => task({ maxAttempts: 1 })),
          null,
        );
        for (const { task_id: taskId } of await stage.fleet.tasks.claim(claimOf('a', { maxTasks: 10 }))) {
          const holder = { taskId, agentId: 'a', generation: 1, attempt: null, traceparent: null };
          await stage.fleet.tasks.fail(holder, { error: 'broken', retry: false });
          failed.push(taskId);
        }
      }
      const retry = (taskId: string) => stage.fleet.tasks.retry(taskId, { by: 'me', traceparent: null });
      expect(await outcomesOf(failed.map(retry))).toEqual({ done: 10, queue_full: 10 });
      expect(stage.queued).toBe(10);
    });

    it('locks, of one agent and of all', async () => {
      await stage.register('a', 'b', 'c');
      const acquire = (agentId: string, at: number) =>
        stage.fleet.locks.acquire(lockOf(agentId, { resourceName: `${agentId} ${at}` }));
      expect(await outcomesOf(times(atOnce, (at) => acquire('a', at)))).toEqual({
        done: 5,
        lock_limit_reached: 45,
      });
      const others = times(atOnce, (at) => acquire(at % 2 === 0 ? 'b' : 'c', at));
      expect(await outcomesOf(others)).toEqual({ done: 5, lock_limit_reached: 45 });
    });

    it('and what fails gives its room back', async () => {
      await stage.register('a');
      const tooLarge = { ...task(), payload: 'x'.repeat(300_000) };
      expect(await outcomesOf(times(atOnce, () => stage.fleet.tasks.enqueue([tooLarge], null)))).toEqual({
        body_too_large: atOnce,
      });
      const once = { idempotencyKey: 'once' };
      for (let at = 0; at < atOnce; at++) await stage.fleet.tasks.enqueue([task(once)], null);
      expect(await outcomesOf(times(9, () => enqueue(1)))).toEqual({ done: 9 });
      const held = await stage.fleet.locks.acquire(lockOf('a'));
      for (let at = 0; at < atOnce; at++) await stage.fleet.locks.acquire(lockOf('a'));
      expect(
        await outcomesOf(times(5, (at) => stage.fleet.locks.acquire(lockOf('a', { resourceName: `${at}` })))),
      ).toEqual({ done: 4, lock_limit_reached: 1 });
      expect(held.agent_id).toBe('a');
    });
  });
});

import { describe, expect, it, vi } from 'vitest';
import type { TaskRow } from '#fleet';
import { heldBy, task } from '../../src/fleet/fleet.test-support.ts';
import { claimOf, patience, useFleetOn } from './fleet.test-support.ts';
import { DATABASE_KINDS } from './state-databases.ts';

describe.each(DATABASE_KINDS)('the queue of tasks on $name', (kind) => {
  describe.skipIf(!kind.available)('keeps its contract', () => {
    const stage = useFleetOn(kind);

    it('gives no task to two of fifty claimers, and loses none', async () => {
      const agentIds = Array.from({ length: 50 }, (_, at) => `agent-${at}`);
      await stage.register(...agentIds);
      const tasks = Array.from({ length: 150 }, (_, at) => task({ priority: at % 3 }));
      await stage.fleet.tasks.enqueue(tasks, null);
      const given: string[] = [];
      await Promise.all(
        agentIds.map(async (agentId) => {
          for (;;) {
            const [next] = await stage.fleet.tasks.claim(claimOf(agentId));
            if (!next) return;
            given.push(next.task_id);
            await stage.fleet.tasks.complete(heldBy(agentId, next.task_id), null);
          }
        }),
      );
      expect(new Set(given).size).toBe(given.length);
      expect(given).toHaveLength(150);
      expect(await stage.countEvents('fleet.task.completed')).toBe(150);
      expect(stage.queued).toBe(0);
    });

    it('claims the highest priority first, then the oldest, through every filter', async () => {
      await stage.register('a');
      await stage.fleet.tasks.enqueue(
        [
          task({ taskType: 'old' }),
          task({ taskType: 'urgent', priority: 5 }),
          task({ taskType: 'young' }),
          task({ taskType: 'elsewhere', priority: 9, phaseId: 'PHASE_TESTING' }),
          task({ taskType: 'pooled', priority: 9, poolId: 'coders' }),
        ],
        null,
      );
      const types: string[] = [];
      for (const more of [
        { phaseIds: ['PHASE_IMPLEMENTATION', 'PHASE_DESIGN'] },
        { taskTypes: ['young'] },
        {},
      ]) {
        types.push((await stage.claimed('a', more)).task_type);
      }
      types.push((await stage.claimed('a')).task_type);
      expect(types).toEqual(['urgent', 'young', 'elsewhere', 'old']);
      expect(await stage.fleet.tasks.claim(claimOf('a'))).toEqual([]);
    });

    it('makes one task of an idempotency key, however many ask at once', async () => {
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => stage.fleet.tasks.enqueue([task({ idempotencyKey: 'once' })], null)),
      );
      const all = answers.flat();
      expect(all.filter(({ created }) => created)).toHaveLength(1);
      expect(new Set(all.map(({ task: made }) => made.task_id)).size).toBe(1);
      const twice = [task({ idempotencyKey: 'two' }), task({ idempotencyKey: 'two' })];
      const [first, second] = await stage.fleet.tasks.enqueue(twice, null);
      expect(second?.task.task_id).toBe(first?.task.task_id);
      expect(stage.queued).toBe(2);
    });

    it('wakes a claim that waits, with no more than the tasks that came', async () => {
      await stage.register('a', 'b');
      const waiting = ['a', 'b'].map((agentId) =>
        stage.fleet.tasks.claim(claimOf(agentId, { waitMs: 10_000 })),
      );
      await vi.waitFor(() => expect(stage.fleet.tasks.waitingClaims).toBe(2), patience);
      await stage.fleet.tasks.enqueue([task()], null);
      await Promise.race(waiting);
      expect(stage.fleet.tasks.waitingClaims).toBe(1);
      await stage.fleet.tasks.enqueue([task()], null);
      const given = await Promise.all(waiting);
      expect(new Set(given.map(([found]) => found?.task_id)).size).toBe(2);
    });

    it('takes a task back when its lease has run out, and refuses its former holder', async () => {
      await stage.register('a', 'b');
      await stage.fleet.tasks.enqueue([task()], null);
      const { task_id: taskId } = await stage.claimed('a', { leaseMs: 50 });
      const again = await stage.claimed('b', { waitMs: 10_000 });
      expect([again.task_id, again.attempt]).toEqual([taskId, 2]);
      await expect(stage.fleet.tasks.complete(heldBy('a', taskId), null)).rejects.toMatchObject({
        code: 'lease_lost',
        details: { held_by: 'b' },
      });
      await expect(stage.fleet.tasks.renew(heldBy('a', taskId))).rejects.toMatchObject({
        code: 'lease_lost',
      });
      expect(await stage.countEvents('fleet.task.refused')).toBe(2);
      const first = await stage.fleet.tasks.complete(heldBy('b', taskId), '1');
      const second = await stage.fleet.tasks.complete(heldBy('b', taskId), '2');
      expect([first.result, second.result]).toEqual(['1', '1']);
      expect(await stage.countEvents('fleet.task.completed')).toBe(1);
    });

    it('lets a lease that is renewed run on', async () => {
      await stage.register('a');
      await stage.fleet.tasks.enqueue([task()], null);
      const { task_id: taskId } = await stage.claimed('a', { leaseMs: 120 });
      for (let times = 0; times < 10; times++) {
        await new Promise((resolve) => stage.clock.after(30, () => resolve(null)));
        await stage.fleet.tasks.renew(heldBy('a', taskId));
      }
      expect((await stage.fleet.tasks.get(taskId)).attempt).toBe(1);
      expect(stage.fleet.agents.get('a')?.workSeenAtMs).not.toBeNull();
    });

    it('keeps what a holder says of how far it is, for whoever has the task next', async () => {
      await stage.register('a', 'b');
      await stage.fleet.tasks.enqueue([task()], null);
      const { task_id: taskId, progress } = await stage.claimed('a', { leaseMs: 1000 });
      expect(progress).toBeNull();
      await stage.fleet.tasks.renew(heldBy('a', taskId), '{"page":1}');
      await stage.fleet.tasks.renew(heldBy('a', taskId), '{"page":2}');
      await stage.fleet.tasks.renew(heldBy('a', taskId));
      const next = await stage.claimed('b', { waitMs: 10_000 });
      expect([next.task_id, next.attempt, next.progress]).toEqual([taskId, 2, '{"page":2}']);
      await expect(stage.fleet.tasks.renew(heldBy('a', taskId), '{"page":3}')).rejects.toMatchObject({
        code: 'lease_lost',
      });
      const tooLarge = JSON.stringify('x'.repeat(stage.fleet.limits.maxProgressBytes));
      await expect(stage.fleet.tasks.renew(heldBy('b', taskId), tooLarge)).rejects.toMatchObject({
        code: 'body_too_large',
        details: { max_progress_bytes: stage.fleet.limits.maxProgressBytes },
      });
      await stage.fleet.tasks.fail(heldBy('b', taskId), { error: 'no luck', retry: true });
      expect((await stage.fleet.tasks.get(taskId)).progress).toBe('{"page":2}');
    });

    it('gives a failed task back after a while, until its attempts are used up', async () => {
      await stage.register('a');
      await stage.fleet.tasks.enqueue([task({ maxAttempts: 2 })], null);
      const { task_id: taskId } = await stage.claimed('a');
      const failure = { error: 'no luck', retry: true };
      const failed = await stage.fleet.tasks.fail(heldBy('a', taskId), failure);
      expect(failed.state).toBe('queued');
      expect(failed.available_at_ms).toBeGreaterThan(failed.first_claimed_at_ms ?? Infinity);
      const again = await stage.claimed('a', { waitMs: 10_000 });
      expect(again.task_id).toBe(taskId);
      expect(again.claimed_at_ms).toBeGreaterThanOrEqual(failed.available_at_ms);
      expect((await stage.fleet.tasks.fail(heldBy('a', taskId), failure)).state).toBe('failed');
      const events = await stage.bus.list({ types: ['fleet.task.failed'], limit: 10 });
      expect(events.map((event) => (event.payload as { will_retry: boolean }).will_retry)).toEqual([
        true,
        false,
      ]);
      expect(stage.activity.filter(({ kind: what }) => what === 'task_failed')).toHaveLength(2);
    });

    it('parks a task that everyone loses, until a person retries or cancels it', async () => {
      await stage.register('a');
      await stage.fleet.tasks.enqueue([task()], null);
      const parkedTasks = () =>
        stage.fleet.tasks.list({
          states: ['parked'],
          phaseId: null,
          agentId: null,
          after: null,
          limit: 1,
        });
      const loseThrice = async (): Promise<TaskRow> => {
        for (let times = 0; times < 3; times++) await stage.claimed('a', { leaseMs: 20, waitMs: 10_000 });
        return vi.waitFor(async () => {
          const [parked] = await parkedTasks();
          if (!parked) throw new Error('not parked yet');
          return parked;
        }, patience);
      };
      const lost = await loseThrice();
      expect(lost).toMatchObject({ leases_lost: 3, counted_losses: 3, attempt: 3, finished_at_ms: null });
      const [event] = await stage.bus.list({ types: ['fleet.task.parked'], limit: 10 });
      expect(event?.payload).toMatchObject({
        agent_id: 'a',
        reason: 'holder_hung',
        attempts: 3,
        max_attempts: 3,
      });
      const parkedCount = { phaseId: lost.phase_id, taskType: 'build', parked: 1 };
      expect(stage.fleet.feed.snapshot().parked).toEqual([parkedCount]);
      await stage.stop();
      await stage.start();
      expect(stage.fleet.feed.snapshot().parked).toEqual([parkedCount]);

      const order = { by: 'ann', traceparent: null };
      expect(await stage.fleet.tasks.retry(lost.task_id, order)).toMatchObject({
        state: 'queued',
        counted_losses: 0,
      });
      await expect(stage.fleet.tasks.retry(lost.task_id, order)).rejects.toMatchObject({
        code: 'task_not_parked',
      });
      expect(stage.fleet.feed.snapshot().parked).toEqual([]);
      expect((await loseThrice()).attempt).toBe(6);
      expect((await stage.fleet.tasks.cancel(lost.task_id, order)).state).toBe('cancelled');
      expect(stage.fleet.feed.snapshot().parked).toEqual([]);
    });

    it('keeps a task that is handed over for the agent it is meant for, but not forever', async () => {
      await stage.register('a', 'b', 'c');
      await stage.fleet.tasks.enqueue([task()], null);
      const { task_id: taskId } = await stage.claimed('a');
      await stage.fleet.tasks.handOff(heldBy('a', taskId), { agentId: 'b', reason: 'knows more' });
      expect(await stage.fleet.tasks.claim(claimOf('c'))).toEqual([]);
      expect((await stage.claimed('b')).task_id).toBe(taskId);
      await stage.fleet.tasks.handOff(heldBy('b', taskId), { agentId: 'a', reason: null });
      expect((await stage.claimed('c', { waitMs: 10_000 })).task_id).toBe(taskId);
      expect(stage.activity.filter(({ kind: what }) => what === 'handoff')).toHaveLength(2);
      await expect(
        stage.fleet.tasks.handOff(heldBy('c', taskId), { agentId: 'nobody', reason: null }),
      ).rejects.toMatchObject({ code: 'unknown_agent' });
    });

    it('ends the handing on of a task in a circle, until a person queues it again', async () => {
      await stage.register('a', 'b');
      const [enqueued] = await stage.fleet.tasks.enqueue([task({ maxAttempts: 1 })], null);
      const taskId = enqueued?.task.task_id ?? '';
      const handOn = async (from: string, to: string): Promise<void> => {
        await stage.claimed(from);
        await stage.fleet.tasks.handOff(heldBy(from, taskId), { agentId: to, reason: null });
      };
      const { maxHandoffs } = stage.fleet.limits;
      for (let at = 0; at < maxHandoffs; at += 2) {
        await handOn('a', 'b');
        await handOn('b', 'a');
      }
      await expect(handOn('a', 'b')).rejects.toMatchObject({ code: 'too_many_handoffs' });
      expect(await stage.fleet.tasks.get(taskId)).toMatchObject({ agent_id: 'a', handoffs: maxHandoffs });
      const failure = { error: 'it goes in a circle', retry: true };
      await stage.fleet.tasks.fail(heldBy('a', taskId), failure);
      await stage.fleet.tasks.retry(taskId, { by: 'somebody', traceparent: null });
      await handOn('a', 'b');
      expect((await stage.claimed('b')).handoffs).toBe(1);
    });

    it('cancels a task under its holder’s hands', async () => {
      await stage.register('a');
      await stage.fleet.tasks.enqueue([task(), task()], null);
      const { task_id: taskId } = await stage.claimed('a');
      const order = { by: 'somebody', traceparent: null };
      await stage.fleet.tasks.cancel(taskId, order);
      await stage.fleet.tasks.cancel(taskId, order);
      await expect(stage.fleet.tasks.complete(heldBy('a', taskId), null)).rejects.toMatchObject({
        code: 'task_finished',
      });
      expect(await stage.countEvents('fleet.task.cancelled')).toBe(1);
      expect([stage.queued, stage.fleet.agents.get('a')?.status]).toEqual([1, 'IDLE']);
    });
  });
});

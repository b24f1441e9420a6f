import { describe, expect, it } from 'vitest';
import type { Reach } from '#fleet';
import { heldBy, registration, task } from '../../src/fleet/fleet.test-support.ts';
import { claimOf, codeOf, lockOf, useFleetOn } from './fleet.test-support.ts';
import { DATABASE_KINDS } from './state-databases.ts';

describe.each(DATABASE_KINDS)('the fleet on $name', (kind) => {
  describe.skipIf(!kind.available)('keeps its contract', () => {
    const stage = useFleetOn(kind);

    it('shows what is within reach, and nothing where nothing is', async () => {
      for (const [agentId, poolId] of [
        ['in-1', 'in'],
        ['out-1', 'out'],
        ['alone', null],
      ] as const) {
        await stage.fleet.agents.register(registration(agentId, { poolId }));
        await stage.fleet.tasks.enqueue([task({ taskType: agentId })], null);
        await stage.fleet.tasks.claim(claimOf(agentId, { taskTypes: [agentId] }));
        await stage.fleet.locks.acquire({
          agentId,
          generation: 1,
          resourceType: 'agent',
          resourceName: agentId,
          mode: 'exclusive',
          ttlMs: 60_000,
          waitMs: 0,
          traceparent: null,
          signal: null,
        });
      }
      await stage.fleet.tasks.enqueue([task({ taskType: 'own', enqueuedBy: 'token/own' })], null);
      await stage.fleet.tasks.enqueue([task({ taskType: 'pool', poolId: 'in' })], null);
      const nothing = { agentIds: [], ownPoolIds: [], poolIds: [], enqueuedBy: 'token/other' };
      const seen = async (more: Partial<Reach>) => {
        const within = { ...nothing, ...more };
        const any = { agentId: null, limit: 100, within };
        const tasks = await stage.fleet.tasks.list({
          ...any,
          states: null,
          phaseId: null,
          after: null,
        });
        const agents = await stage.fleet.directory.list({
          ...any,
          poolId: null,
          status: null,
          presentOnly: false,
          afterAgentId: null,
        });
        const locks = await stage.fleet.locks.list({ ...any, resourceType: null, afterLockId: null });
        return {
          tasks: tasks.map((row) => row.task_type),
          agents: agents.map(({ row }) => row.agent_id),
          locks: locks.map((lock) => lock.agent_id),
        };
      };
      expect(await seen({})).toEqual({ tasks: [], agents: [], locks: [] });
      expect(await seen({ enqueuedBy: 'token/own' })).toMatchObject({ tasks: ['own'], agents: [] });
      expect(await seen({ agentIds: ['alone'] })).toEqual({
        tasks: ['alone'],
        agents: ['alone'],
        locks: ['alone'],
      });
      expect(await seen({ poolIds: ['in'] })).toEqual({ tasks: ['pool'], agents: ['in-1'], locks: ['in-1'] });
      expect(await seen({ poolIds: ['in'], ownPoolIds: ['in'] })).toMatchObject({ tasks: ['in-1', 'pool'] });
    });

    it('lets a token register no more agents than it may, also where all of them come at once', async () => {
      const tokenId = 'tok_1';
      await stage.database.transaction(async (tx) => {
        const token = {
          id: tokenId,
          name: 'ci',
          role: 'agent',
          secret_hash: 'h',
          prefix: 'p',
          created_by: 'test',
        };
        const never = { expires_at_ms: null, last_used_at_ms: null, revoked_at_ms: null, revoked_by: null };
        const row = { ...token, ...never, scope: null, speaks_for: null, created_at_ms: tx.nowMs };
        await tx.db.insertInto('access_tokens').values(row).execute();
      });
      const registeredBy = { tokenId, maxAgents: 3 };
      const answers = await Promise.allSettled(
        Array.from({ length: 20 }, (_, at) =>
          stage.fleet.agents.register(registration(`a-${at}`, { registeredBy })),
        ),
      );
      const refused = answers.flatMap((answer) =>
        answer.status === 'rejected' ? [codeOf(answer.reason)] : [],
      );
      expect(refused).toEqual(Array.from({ length: 17 }, () => 'agent_limit_reached'));
    });

    it('completes or refuses, never both, when a completion meets the next generation', async () => {
      await stage.openGeneration('m', 'nonce 1');
      await stage.registerManaged('m', 1, 'nonce 1');
      let completed = 0;
      for (let round = 1; round <= 20; round++) {
        const [enqueued] = await stage.fleet.tasks.enqueue([task({ taskType: `round-${round}` })], null);
        const taskId = enqueued?.task.task_id ?? '';
        await stage.claimed('m', { generation: round, taskTypes: [`round-${round}`] });
        const [completion] = await Promise.allSettled([
          stage.fleet.tasks.complete(heldBy('m', taskId, round), null),
          stage.openGeneration('m', `nonce ${round + 1}`),
        ]);
        const { state } = await stage.fleet.tasks.get(taskId);
        if (completion.status === 'fulfilled') {
          completed++;
          expect(state).toBe('completed');
        } else {
          expect(codeOf(completion.reason)).toBe('generation_superseded');
          expect(state).toBe('queued');
        }
        await stage.registerManaged('m', round + 1, `nonce ${round + 1}`);
      }
      expect(await stage.countEvents('fleet.task.completed')).toBe(completed);
      expect(await stage.countEvents('fleet.task.refused')).toBe(20 - completed);
    });

    it('remembers the queue and the holders when the server comes back, and gives them their time', async () => {
      await stage.register('a');
      await stage.fleet.tasks.enqueue([task(), task({ priority: 3 })], null);
      const { task_id: taskId } = await stage.claimed('a', { leaseMs: 2000 });
      const lock = await stage.fleet.locks.acquire(lockOf('a', { ttlMs: 60_000 }));
      await stage.stop();
      await new Promise((resolve) => stage.clock.after(2100, () => resolve(null)));
      await stage.start();
      expect(stage.fleet.feed.snapshot().queue).toEqual([
        { phaseId: 'PHASE_IMPLEMENTATION', priority: 0, queued: 1 },
      ]);
      expect(stage.fleet.agents.get('a')?.status).toBe('RUNNING');
      expect(stage.fleet.feed.snapshot().locks).toMatchObject([{ active: 1 }]);
      expect((await stage.fleet.tasks.complete(heldBy('a', taskId), null)).state).toBe('completed');
      await stage.fleet.locks.release(lock.lock_id, { agentId: 'a', generation: 1, traceparent: null });
    });
  });
});

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createEventBus } from '#eventbus';
import { createFleet, type ClaimRequest, type Fleet, type NewTask, type Reach, type TaskRow } from '#fleet';
import type { StateDatabase } from '#storage';
import {
  createSeededRandom,
  createSystemClock,
  OmoiError,
  SelfMetrics,
  silentLogger,
  type FleetActivity,
} from '#telemetry';
import { claimOf as anyClaimOf, heldBy, registration } from '../../src/fleet/fleet.test-support.ts';
import { DATABASE_KINDS, openPlace } from './state-databases.ts';

const patience = { timeout: 60_000, interval: 5 };
const clock = createSystemClock();

function task(more: Partial<NewTask> = {}): NewTask {
  return {
    taskType: 'build',
    phaseId: 'PHASE_IMPLEMENTATION',
    priority: 0,
    payload: '{}',
    maxAttempts: null,
    timeLimitMs: null,
    idempotencyKey: null,
    poolId: null,
    ...more,
  };
}

/** Time goes by the clock here: a lease outlasts what a busy machine takes. */
const claimOf: typeof anyClaimOf = (agentId, more) => anyClaimOf(agentId, { leaseMs: 60_000, ...more });

function codeOf(thrown: unknown): string {
  return thrown instanceof OmoiError ? thrown.code : String(thrown);
}

describe.each(DATABASE_KINDS)('the fleet on $name', (kind) => {
  describe.skipIf(!kind.available)('keeps its contract', () => {
    let database: StateDatabase;
    let fleet: Fleet;
    let bus: ReturnType<typeof createEventBus>;
    let activity: FleetActivity[];

    async function startFleet(): Promise<void> {
      const metrics = new SelfMetrics();
      const random = createSeededRandom(1);
      const common = { database, clock, random, logger: silentLogger, metrics };
      bus = createEventBus(common);
      fleet = createFleet({
        ...common,
        bus,
        limits: { tickMs: 10, retryBaseMs: 40, handoffKeptMs: 300, lossTrustMs: 0 },
      });
      await fleet.start();
      activity = [];
      fleet.feed.onActivity((told) => activity.push(told));
    }

    async function stopFleet(): Promise<void> {
      await fleet.stop();
      await bus.stop();
    }

    async function register(...agentIds: string[]): Promise<void> {
      await Promise.all(
        agentIds.map((agentId) => fleet.agents.register(registration(agentId, { agentType: 'guardian' }))),
      );
    }

    function openGeneration(agentId: string, nonce: string): Promise<number> {
      return database.transaction((tx) =>
        fleet.generations.openGeneration(tx, {
          agentId,
          agentType: 'worker',
          poolId: null,
          phaseId: null,
          nonce,
          reason: 'test',
          requestedBy: 'test',
          traceparent: null,
        }),
      );
    }

    async function registerManaged(agentId: string, generation: number, nonce: string): Promise<void> {
      const paced = { heartbeatIntervalMs: 60_000, heartbeatTtlMs: 600_000 };
      await fleet.agents.register(registration(agentId, { generation, nonce, ...paced }));
    }

    async function claimed(agentId: string, more: Partial<ClaimRequest> = {}): Promise<TaskRow> {
      const [found] = await fleet.tasks.claim(claimOf(agentId, more));
      if (!found) throw new Error(`agent ${agentId} was given no task`);
      return found;
    }

    async function countEvents(type: Parameters<typeof bus.list>[0]['types']): Promise<number> {
      return (await bus.list({ ...(type ? { types: type } : {}), limit: 1000 })).length;
    }

    const queued = (): number =>
      fleet.feed.snapshot().queue.reduce((total, { queued: count }) => total + count, 0);

    beforeAll(() => kind.start());
    afterAll(() => kind.stop());
    beforeEach(async () => {
      database = await openPlace(await kind.createPlace());
      await startFleet();
    });
    afterEach(async () => {
      await stopFleet();
      await database.close();
    });

    it('shows what is within reach, and nothing where nothing is', async () => {
      for (const [agentId, poolId] of [
        ['in-1', 'in'],
        ['out-1', 'out'],
        ['alone', null],
      ] as const) {
        await fleet.agents.register(registration(agentId, { poolId }));
        await fleet.tasks.enqueue([task({ taskType: agentId })], null);
        await fleet.tasks.claim(claimOf(agentId, { taskTypes: [agentId] }));
        await fleet.locks.acquire({
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
      await fleet.tasks.enqueue([task({ taskType: 'own', enqueuedBy: 'token/own' })], null);
      await fleet.tasks.enqueue([task({ taskType: 'pool', poolId: 'in' })], null);
      const nothing = { agentIds: [], ownPoolIds: [], poolIds: [], enqueuedBy: 'token/other' };
      const seen = async (more: Partial<Reach>) => {
        const within = { ...nothing, ...more };
        const any = { agentId: null, limit: 100, within };
        const tasks = await fleet.tasks.list({ ...any, states: null, phaseId: null, afterTaskId: null });
        const agents = await fleet.directory.list({
          ...any,
          poolId: null,
          status: null,
          presentOnly: false,
          afterAgentId: null,
        });
        const locks = await fleet.locks.list({ ...any, resourceType: null, afterLockId: null });
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

    it('gives no task to two of fifty claimers, and loses none', async () => {
      const agentIds = Array.from({ length: 50 }, (_, at) => `agent-${at}`);
      await register(...agentIds);
      const tasks = Array.from({ length: 150 }, (_, at) => task({ priority: at % 3 }));
      await fleet.tasks.enqueue(tasks, null);
      const given: string[] = [];
      await Promise.all(
        agentIds.map(async (agentId) => {
          for (;;) {
            const [next] = await fleet.tasks.claim(claimOf(agentId));
            if (!next) return;
            given.push(next.task_id);
            await fleet.tasks.complete(heldBy(agentId, next.task_id), null);
          }
        }),
      );
      expect(new Set(given).size).toBe(given.length);
      expect(given).toHaveLength(150);
      expect(await countEvents(['fleet.task.completed'])).toBe(150);
      expect(queued()).toBe(0);
    });

    it('claims the highest priority first, then the oldest, through every filter', async () => {
      await register('a');
      await fleet.tasks.enqueue(
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
        types.push((await claimed('a', more)).task_type);
      }
      types.push((await claimed('a')).task_type);
      expect(types).toEqual(['urgent', 'young', 'elsewhere', 'old']);
      expect(await fleet.tasks.claim(claimOf('a'))).toEqual([]);
    });

    it('makes one task of an idempotency key, however many ask at once', async () => {
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => fleet.tasks.enqueue([task({ idempotencyKey: 'once' })], null)),
      );
      const all = answers.flat();
      expect(all.filter(({ created }) => created)).toHaveLength(1);
      expect(new Set(all.map(({ task: made }) => made.task_id)).size).toBe(1);
      const twice = [task({ idempotencyKey: 'two' }), task({ idempotencyKey: 'two' })];
      const [first, second] = await fleet.tasks.enqueue(twice, null);
      expect(second?.task.task_id).toBe(first?.task.task_id);
      expect(queued()).toBe(2);
    });

    it('wakes a claim that waits, with no more than the tasks that came', async () => {
      await register('a', 'b');
      const waiting = ['a', 'b'].map((agentId) => fleet.tasks.claim(claimOf(agentId, { waitMs: 10_000 })));
      await vi.waitFor(() => expect(fleet.tasks.waitingClaims).toBe(2), patience);
      await fleet.tasks.enqueue([task()], null);
      await Promise.race(waiting);
      expect(fleet.tasks.waitingClaims).toBe(1);
      await fleet.tasks.enqueue([task()], null);
      const given = await Promise.all(waiting);
      expect(new Set(given.map(([found]) => found?.task_id)).size).toBe(2);
    });

    it('takes a task back when its lease has run out, and refuses its former holder', async () => {
      await register('a', 'b');
      await fleet.tasks.enqueue([task()], null);
      const { task_id: taskId } = await claimed('a', { leaseMs: 50 });
      const again = await claimed('b', { waitMs: 10_000 });
      expect([again.task_id, again.attempt]).toEqual([taskId, 2]);
      await expect(fleet.tasks.complete(heldBy('a', taskId), null)).rejects.toMatchObject({
        code: 'lease_lost',
        details: { held_by: 'b' },
      });
      await expect(fleet.tasks.renew(heldBy('a', taskId))).rejects.toMatchObject({ code: 'lease_lost' });
      expect(await countEvents(['fleet.task.refused'])).toBe(2);
      const first = await fleet.tasks.complete(heldBy('b', taskId), '1');
      const second = await fleet.tasks.complete(heldBy('b', taskId), '2');
      expect([first.result, second.result]).toEqual(['1', '1']);
      expect(await countEvents(['fleet.task.completed'])).toBe(1);
    });

    it('lets a lease that is renewed run on', async () => {
      await register('a');
      await fleet.tasks.enqueue([task()], null);
      const { task_id: taskId } = await claimed('a', { leaseMs: 120 });
      for (let times = 0; times < 10; times++) {
        await new Promise((resolve) => clock.after(30, () => resolve(null)));
        await fleet.tasks.renew(heldBy('a', taskId));
      }
      expect((await fleet.tasks.get(taskId)).attempt).toBe(1);
      expect(fleet.agents.get('a')?.workSeenAtMs).not.toBeNull();
    });

    it('gives a failed task back after a while, until its attempts are used up', async () => {
      await register('a');
      await fleet.tasks.enqueue([task({ maxAttempts: 2 })], null);
      const { task_id: taskId } = await claimed('a');
      const failure = { error: 'no luck', retry: true };
      const failed = await fleet.tasks.fail(heldBy('a', taskId), failure);
      expect(failed.state).toBe('queued');
      expect(failed.available_at_ms).toBeGreaterThan(failed.first_claimed_at_ms ?? Infinity);
      const again = await claimed('a', { waitMs: 10_000 });
      expect(again.task_id).toBe(taskId);
      expect(again.claimed_at_ms).toBeGreaterThanOrEqual(failed.available_at_ms);
      expect((await fleet.tasks.fail(heldBy('a', taskId), failure)).state).toBe('failed');
      const events = await bus.list({ types: ['fleet.task.failed'], limit: 10 });
      expect(events.map((event) => (event.payload as { will_retry: boolean }).will_retry)).toEqual([
        true,
        false,
      ]);
      expect(activity.filter(({ kind: what }) => what === 'task_failed')).toHaveLength(2);
    });

    it('parks a task that everyone loses, until a person retries or cancels it', async () => {
      await register('a');
      await fleet.tasks.enqueue([task()], null);
      const parkedTasks = () =>
        fleet.tasks.list({
          states: ['parked'],
          phaseId: null,
          agentId: null,
          afterTaskId: null,
          limit: 1,
        });
      const loseThrice = async (): Promise<TaskRow> => {
        for (let times = 0; times < 3; times++) await claimed('a', { leaseMs: 20, waitMs: 10_000 });
        return vi.waitFor(async () => {
          const [parked] = await parkedTasks();
          if (!parked) throw new Error('not parked yet');
          return parked;
        }, patience);
      };
      const lost = await loseThrice();
      expect(lost).toMatchObject({ leases_lost: 3, counted_losses: 3, attempt: 3, finished_at_ms: null });
      const [event] = await bus.list({ types: ['fleet.task.parked'], limit: 10 });
      expect(event?.payload).toMatchObject({
        agent_id: 'a',
        reason: 'holder_hung',
        attempts: 3,
        max_attempts: 3,
      });
      const parkedCount = { phaseId: lost.phase_id, taskType: 'build', parked: 1 };
      expect(fleet.feed.snapshot().parked).toEqual([parkedCount]);
      await stopFleet();
      await startFleet();
      expect(fleet.feed.snapshot().parked).toEqual([parkedCount]);

      const order = { by: 'ann', traceparent: null };
      expect(await fleet.tasks.retry(lost.task_id, order)).toMatchObject({
        state: 'queued',
        counted_losses: 0,
      });
      await expect(fleet.tasks.retry(lost.task_id, order)).rejects.toMatchObject({ code: 'task_not_parked' });
      expect(fleet.feed.snapshot().parked).toEqual([]);
      expect((await loseThrice()).attempt).toBe(6);
      expect((await fleet.tasks.cancel(lost.task_id, order)).state).toBe('cancelled');
      expect(fleet.feed.snapshot().parked).toEqual([]);
    });

    it('keeps a task that is handed over for the agent it is meant for, but not forever', async () => {
      await register('a', 'b', 'c');
      await fleet.tasks.enqueue([task()], null);
      const { task_id: taskId } = await claimed('a');
      await fleet.tasks.handOff(heldBy('a', taskId), { agentId: 'b', reason: 'knows more' });
      expect(await fleet.tasks.claim(claimOf('c'))).toEqual([]);
      expect((await claimed('b')).task_id).toBe(taskId);
      await fleet.tasks.handOff(heldBy('b', taskId), { agentId: 'a', reason: null });
      expect((await claimed('c', { waitMs: 10_000 })).task_id).toBe(taskId);
      expect(activity.filter(({ kind: what }) => what === 'handoff')).toHaveLength(2);
      await expect(
        fleet.tasks.handOff(heldBy('c', taskId), { agentId: 'nobody', reason: null }),
      ).rejects.toMatchObject({ code: 'unknown_agent' });
    });

    it('completes or refuses, never both, when a completion meets the next generation', async () => {
      await openGeneration('m', 'nonce 1');
      await registerManaged('m', 1, 'nonce 1');
      let completed = 0;
      for (let round = 1; round <= 20; round++) {
        const [enqueued] = await fleet.tasks.enqueue([task({ taskType: `round-${round}` })], null);
        const taskId = enqueued?.task.task_id ?? '';
        await claimed('m', { generation: round, taskTypes: [`round-${round}`] });
        const [completion] = await Promise.allSettled([
          fleet.tasks.complete(heldBy('m', taskId, round), null),
          openGeneration('m', `nonce ${round + 1}`),
        ]);
        const { state } = await fleet.tasks.get(taskId);
        if (completion.status === 'fulfilled') {
          completed++;
          expect(state).toBe('completed');
        } else {
          expect(codeOf(completion.reason)).toBe('generation_superseded');
          expect(state).toBe('queued');
        }
        await registerManaged('m', round + 1, `nonce ${round + 1}`);
      }
      expect(await countEvents(['fleet.task.completed'])).toBe(completed);
      expect(await countEvents(['fleet.task.refused'])).toBe(20 - completed);
    });

    it('remembers the queue and the holders when the server comes back, and gives them their time', async () => {
      await register('a');
      await fleet.tasks.enqueue([task(), task({ priority: 3 })], null);
      const { task_id: taskId } = await claimed('a', { leaseMs: 100 });
      const lock = await fleet.locks.acquire(lockOf('a', { ttlMs: 60_000 }));
      await stopFleet();
      await new Promise((resolve) => clock.after(150, () => resolve(null)));
      await startFleet();
      expect(fleet.feed.snapshot().queue).toEqual([
        { phaseId: 'PHASE_IMPLEMENTATION', priority: 0, queued: 1 },
      ]);
      expect(fleet.agents.get('a')?.status).toBe('RUNNING');
      expect(fleet.feed.snapshot().locks).toMatchObject([{ active: 1 }]);
      expect((await fleet.tasks.complete(heldBy('a', taskId), null)).state).toBe('completed');
      await fleet.locks.release(lock.lock_id, { agentId: 'a', generation: 1, traceparent: null });
    });

    it('cancels a task under its holder’s hands', async () => {
      await register('a');
      await fleet.tasks.enqueue([task(), task()], null);
      const { task_id: taskId } = await claimed('a');
      const order = { by: 'somebody', traceparent: null };
      await fleet.tasks.cancel(taskId, order);
      await fleet.tasks.cancel(taskId, order);
      await expect(fleet.tasks.complete(heldBy('a', taskId), null)).rejects.toMatchObject({
        code: 'task_finished',
      });
      expect(await countEvents(['fleet.task.cancelled'])).toBe(1);
      expect([queued(), fleet.agents.get('a')?.status]).toEqual([1, 'IDLE']);
    });

    function lockOf(agentId: string, more: object = {}) {
      return {
        agentId,
        generation: 1,
        resourceType: 'file',
        resourceName: 'main.ts',
        mode: 'exclusive' as const,
        ttlMs: 60_000,
        waitMs: 0,
        traceparent: null,
        signal: null,
        ...more,
      };
    }

    it('gives an exclusive lock to one of many that ask at once', async () => {
      const agentIds = Array.from({ length: 20 }, (_, at) => `agent-${at}`);
      await register(...agentIds);
      const outcomes = await Promise.allSettled(agentIds.map((id) => fleet.locks.acquire(lockOf(id))));
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const codes = outcomes.flatMap((outcome) =>
        outcome.status === 'rejected' ? [codeOf(outcome.reason)] : [],
      );
      expect(new Set(codes)).toEqual(new Set(['lock_held']));
    });

    it('serves those who wait for a lock in their order, with tokens that grow', async () => {
      const agentIds = Array.from({ length: 10 }, (_, at) => `agent-${at}`);
      await register(...agentIds);
      const order: string[] = [];
      const tokens: number[] = [];
      let holders = 0;
      await Promise.all(
        agentIds.map(async (agentId) => {
          const lock = await fleet.locks.acquire(lockOf(agentId, { waitMs: 20_000 }));
          expect(++holders).toBe(1);
          order.push(agentId);
          tokens.push(lock.fencing_token);
          await new Promise((resolve) => setImmediate(resolve));
          holders--;
          await fleet.locks.release(lock.lock_id, { agentId, generation: 1, traceparent: null });
        }),
      );
      expect(order).toEqual(agentIds);
      expect(tokens.every((token, at) => at === 0 || token > (tokens[at - 1] ?? 0))).toBe(true);
      // What nobody holds any more is not remembered.
      expect(fleet.feed.snapshot().locks).toEqual([]);
    });

    it('lets shared locks go together, and nobody overtake an exclusive one that waits', async () => {
      await register('a', 'b', 'c');
      const shared = { mode: 'shared' };
      const first = await fleet.locks.acquire(lockOf('a', shared));
      const writer = fleet.locks.acquire(lockOf('b', { waitMs: 20_000 }));
      await expect(fleet.locks.acquire(lockOf('c', shared))).rejects.toMatchObject({ code: 'lock_held' });
      await fleet.locks.release(first.lock_id, { agentId: 'a', generation: 1, traceparent: null });
      const held = await writer;
      const readers = ['a', 'c'].map((id) => fleet.locks.acquire(lockOf(id, { ...shared, waitMs: 20_000 })));
      await fleet.locks.release(held.lock_id, { agentId: 'b', generation: 1, traceparent: null });
      expect(await Promise.all(readers)).toHaveLength(2);
    });

    it('frees a lock that has run out, and refuses its former holder', async () => {
      await register('a', 'b');
      const lost = await fleet.locks.acquire(lockOf('a', { ttlMs: 50 }));
      const next = await fleet.locks.acquire(lockOf('b', { waitMs: 20_000 }));
      expect(next.fencing_token).toBeGreaterThan(lost.fencing_token);
      const holder = { agentId: 'a', generation: 1, traceparent: null };
      expect(() => fleet.locks.renew(lost.lock_id, holder)).toThrow(
        expect.objectContaining({ code: 'lock_lost' }),
      );
      await expect(fleet.locks.release(lost.lock_id, holder)).rejects.toMatchObject({ code: 'lock_lost' });
    });

    it('lets an older generation neither renew nor release its lock', async () => {
      await openGeneration('m', 'nonce 1');
      await registerManaged('m', 1, 'nonce 1');
      const lock = await fleet.locks.acquire(lockOf('m'));
      await openGeneration('m', 'nonce 2');
      const old = { agentId: 'm', generation: 1, traceparent: null };
      await expect(fleet.locks.release(lock.lock_id, old)).rejects.toMatchObject({
        code: 'generation_superseded',
      });
      expect(() => fleet.locks.renew(lock.lock_id, old)).toThrow(
        expect.objectContaining({ code: 'generation_superseded' }),
      );
      await database.transaction((tx) =>
        fleet.generations.recordExit(tx, { ...old, exitCode: 0, signal: null, asked: null, once: true }),
      );
      await expect(fleet.locks.get(lock.lock_id)).rejects.toMatchObject({ code: 'unknown_lock' });
    });
  });
});

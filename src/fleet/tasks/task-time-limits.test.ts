import { beforeEach, describe, expect, it } from 'vitest';
import { definePool } from '#telemetry';
import { claimOf, heldBy, registration, task, useTestFleet } from '../fleet.test-support.ts';
import { MemoryMachine } from '../runtimes/memory-runtime.test-support.ts';
import { openTestPools } from '../pools/pools.test-support.ts';
import { TaskTimeLimits } from './task-time-limits.ts';

describe('for how long an agent may hold a task', () => {
  const limits = new TaskTimeLimits();
  limits.know('crawlers', { fetch: 30_000, '*': 600_000 });
  limits.know('builders', { compile: 60_000, constructor: 1000 });
  limits.know('gone', { fetch: 1000 });
  limits.know('gone', null);

  it.each([
    ['fetch', null, 'crawlers', 30_000],
    ['parse', null, 'crawlers', 600_000],
    ['compile', null, 'builders', 60_000],
    ['fetch', null, 'builders', null],
    // The task's own limit goes first, shorter or longer.
    ['fetch', 1000, 'crawlers', 1000],
    ['fetch', 90_000, 'crawlers', 90_000],
    ['fetch', 90_000, 'builders', 90_000],
    // Agents of no pool, and of one that is gone.
    ['fetch', null, null, null],
    ['fetch', 5000, null, 5000],
    ['fetch', null, 'gone', null],
    // A type may be called anything.
    ['constructor', null, 'builders', 1000],
    ['toString', null, 'builders', null],
  ])('%s, whose own is %s, in pool %s: %s', (type, ownMs, poolId, limitMs) => {
    expect(limits.of({ task_type: type, time_limit_ms: ownMs }, poolId)).toBe(limitMs);
  });
});

describe('a pool’s limit for a type of tasks', () => {
  const running = useTestFleet();
  // Losses right after the start are held against nobody.
  beforeEach(() => running.clock.advance(10_000));
  const pool = definePool({
    id: 'crawlers',
    command: ['crawl'],
    desired: 0,
    max: 5,
    timeLimitsMs: { fetch: 2000 },
  });
  const asked = { reason: 'test', by: 'test', traceparent: null };

  async function startPool() {
    const pools = openTestPools(running, { machine: new MemoryMachine() });
    await pools.create(pool, asked);
    await running.fleet.agents.register(registration('w1', { poolId: 'crawlers' }));
    await running.fleet.agents.register(registration('outside'));
    return pools;
  }

  async function enqueue(...types: readonly string[]): Promise<readonly string[]> {
    const made = await running.fleet.tasks.enqueue(
      types.map((taskType) => task({ taskType, maxAttempts: 2 })),
      null,
    );
    return made.map(({ task: { task_id: taskId } }) => taskId);
  }

  /** Renews a lease for as long as asked, so that nothing but a limit takes the task. */
  async function renewFor(ms: number, ...taskIds: readonly string[]): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      await running.clock.advance(100);
      for (const taskId of taskIds) await running.fleet.tasks.renew(heldBy('w1', taskId)).catch(() => {});
    }
  }

  it('holds for the claim of its agent, is shown, and ends that claim alone', async () => {
    const pools = await startPool();
    const [slow = '', other = ''] = await enqueue('fetch', 'parse');
    const claimed = await running.fleet.tasks.claim(claimOf('w1', { maxTasks: 2 }));
    expect(claimed.map((row) => [row.task_id, row.time_limit_ms])).toEqual([
      [slow, 2000],
      [other, null],
    ]);
    expect(await running.fleet.tasks.get(slow)).toMatchObject({ time_limit_ms: 2000 });
    await renewFor(1900, slow, other);
    expect(await running.fleet.tasks.get(slow)).toMatchObject({ state: 'claimed' });
    await renewFor(200, slow, other);
    expect(await running.fleet.tasks.get(slow)).toMatchObject({
      state: 'queued',
      counted_losses: 1,
      // Whoever claims it next may have longer.
      time_limit_ms: null,
    });
    expect(await running.fleet.tasks.get(other)).toMatchObject({ state: 'claimed', agent_id: 'w1' });
    await running.clock.advance(5000);
    expect(await running.fleet.tasks.claim(claimOf('outside'))).toMatchObject([
      { task_id: slow, time_limit_ms: null },
    ]);
    await pools.close();
  });

  it('says in the end which limit it was', async () => {
    const pools = await startPool();
    const [slow = ''] = await enqueue('fetch');
    for (let attempt = 1; attempt <= 2; attempt++) {
      expect(await running.fleet.tasks.claim(claimOf('w1'))).toHaveLength(1);
      await renewFor(2100, slow);
      await running.clock.advance(5000);
    }
    expect(await running.fleet.tasks.get(slow)).toMatchObject({
      state: 'parked',
      error: expect.stringContaining(
        'agent w1 generation 1 held it for longer than its time limit of 2000 ms',
      ),
    });
    await pools.close();
  });

  describe('an agent whose handler goes on with what was taken from it', () => {
    let sequence = 0;
    /** Beats for as long as asked, with so much work in flight. */
    async function beatFor(ms: number, inFlight: number): Promise<void> {
      for (let left = ms; left > 0; left -= 500) {
        await running.clock.advance(500);
        const quiet = { degraded: false, reason: null, nonce: null };
        running.fleet.heartbeats.take({
          agentId: 'w1',
          generation: 1,
          sequence: ++sequence,
          inFlight,
          ...quiet,
        });
        await running.clock.advance(0);
      }
    }
    const standing = () => {
      const { row, status, clingsTo } = running.fleet.agents.get('w1') ?? {};
      return { status, reason: row?.status_reason, clingsTo };
    };

    it.each([
      ['its time limit', 0],
      ['an operator, and it works on something else besides', 2],
    ])('is DEGRADED until it lets go, and no longer: by %s', async (by, besides) => {
      const pools = await startPool();
      sequence = 0;
      await beatFor(500, besides);
      const [slow = ''] = await enqueue('fetch');
      await running.fleet.tasks.claim(claimOf('w1'));
      if (by === 'its time limit') await beatFor(2500, 1 + besides);
      else {
        await beatFor(500, 1 + besides);
        await running.fleet.tasks.cancel(slow, { by: 'ann', traceparent: null });
      }
      await beatFor(14_000, 1 + besides);
      expect(standing()).toMatchObject({ status: 'IDLE', clingsTo: null });
      await beatFor(2000, 1 + besides);
      await expect.poll(standing).toEqual({
        status: 'DEGRADED',
        reason: 'clings_to_lost_task',
        clingsTo: slow,
      });
      await beatFor(30_000, 1 + besides);
      expect(standing().status).toBe('DEGRADED');
      await beatFor(1000, besides);
      await expect.poll(() => standing().status).toBe('IDLE');
      await beatFor(30_000, 1 + besides);
      expect(standing()).toMatchObject({ status: 'IDLE', clingsTo: null });
      await pools.close();
    });

    it.each([
      ['its time limit', 0],
      ['an operator, and it works on something else besides', 2],
    ])('is so for the next server too, until it lets go: by %s', async (by, besides) => {
      const pools = await startPool();
      sequence = 0;
      await beatFor(500, besides);
      const [slow = ''] = await enqueue('fetch');
      await running.fleet.tasks.claim(claimOf('w1'));
      await beatFor(by === 'its time limit' ? 2500 : 500, 1 + besides);
      if (by !== 'its time limit') await running.fleet.tasks.cancel(slow, { by: 'ann', traceparent: null });
      await beatFor(17_000, 1 + besides);
      await expect.poll(standing).toMatchObject({ status: 'DEGRADED', clingsTo: slow });
      await pools.close();
      await running.stop();
      await running.start();
      await beatFor(10_000, 1 + besides);
      expect(standing()).toEqual({ status: 'DEGRADED', reason: 'clings_to_lost_task', clingsTo: slow });
      await beatFor(1000, besides);
      await expect.poll(standing).toMatchObject({ reason: 'heartbeat_returned', clingsTo: null });
    });

    it('is as well as ever where it lets go in time', async () => {
      const pools = await startPool();
      sequence = 0;
      await enqueue('fetch');
      await running.fleet.tasks.claim(claimOf('w1'));
      await beatFor(12_000, 1);
      await beatFor(30_000, 0);
      expect(standing()).toMatchObject({ status: 'IDLE', clingsTo: null });
      await pools.close();
    });
  });

  it('counts for a task that is claimed the moment it is enqueued', async () => {
    const pools = await startPool();
    const waiting = running.fleet.tasks.claim(claimOf('w1', { waitMs: 1000 }));
    await running.clock.advance(0);
    await enqueue('fetch');
    expect(await waiting).toMatchObject([{ time_limit_ms: 2000 }]);
    await pools.close();
  });

  it.each([3_600_000, -3_600_000])(
    'counts on over a restart of the server while the wall clock steps by %d ms',
    async (stepMs) => {
      const pools = await startPool();
      const [slow = ''] = await enqueue('fetch');
      await running.fleet.tasks.claim(claimOf('w1'));
      await renewFor(1500, slow);
      await pools.close();
      await running.stop();
      running.clock.stepWallClock(stepMs);
      await running.start();
      await renewFor(400, slow);
      expect(await running.fleet.tasks.get(slow)).toMatchObject({ state: 'claimed' });
      await renewFor(200, slow);
      expect(await running.fleet.tasks.get(slow)).not.toMatchObject({ state: 'claimed' });
    },
  );

  it('counts on over a restart of the server, from the claim', async () => {
    const pools = await startPool();
    const [slow = ''] = await enqueue('fetch');
    await running.fleet.tasks.claim(claimOf('w1'));
    await renewFor(1500, slow);
    await pools.close();
    await running.stop();
    await running.start();
    await renewFor(400, slow);
    expect(await running.fleet.tasks.get(slow)).toMatchObject({ state: 'claimed', time_limit_ms: 2000 });
    await renewFor(200, slow);
    expect(await running.fleet.tasks.get(slow)).toMatchObject({ state: 'queued', counted_losses: 1 });
  });

  it('is changed for the claims that follow', async () => {
    const pools = await startPool();
    const [first = '', second = ''] = await enqueue('fetch', 'fetch');
    await running.fleet.tasks.claim(claimOf('w1'));
    await pools.update('crawlers', { timeLimitsMs: { fetch: 1000 } }, asked);
    await running.fleet.tasks.claim(claimOf('w1'));
    expect(await running.fleet.tasks.get(first)).toMatchObject({ time_limit_ms: 2000 });
    expect(await running.fleet.tasks.get(second)).toMatchObject({ time_limit_ms: 1000 });
    await pools.close();
  });
});

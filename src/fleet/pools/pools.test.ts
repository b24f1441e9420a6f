import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StateDatabase } from '#storage';
import { definePool, type EventType, type Tracing } from '#telemetry';
import { silentSpan } from '../../telemetry/tracing/tracing.test-support.ts';
import { registration, useTestFleet } from '../fleet.test-support.ts';
import { MemoryMachine } from '../runtimes/memory-runtime.test-support.ts';
import type { Pools } from './pools.ts';
import { openTestPools, untilTrue } from './pools.test-support.ts';

const ASKED = { reason: 'test', by: 'tester', traceparent: null };
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const GRACE_MS = 5000;

const POOL = definePool({
  id: 'coders',
  phaseId: 'PHASE_IMPLEMENTATION',
  command: ['run'],
  env: { COLOUR: 'green', OMOI_AGENT_ID: 'somebody-else' },
  desired: 2,
  max: 6,
  graceMs: GRACE_MS,
  orphanTimeoutMs: 60_000,
});

/** Spans whose traceparent tells their parent: the trace stays, the span id is new. */
const tracing: Tracing = {
  startSpan: (_, { parent }) =>
    silentSpan(parent === null ? TRACE : parent.replace(/-[0-9a-f]{16}-/, '-00000000000000aa-')),
};

/** What its agents do not say is nothing here. */
const test = useTestFleet({ threads: 'one', ticks: 'none' });
let machine: MemoryMachine;
let pools: Pools;

const openPools = (): Pools =>
  openTestPools(test, {
    machine,
    tracing,
    mintAgentToken: async (_, { agentId }) => `token of ${agentId}`,
  });
const until = (condition: () => boolean | Promise<boolean>): Promise<void> =>
  untilTrue(test.clock, condition);

const runningAgents = (): string[] =>
  machine.running.map((spec) => `${spec.agentId}/${spec.generation}`).sort();
const processes = async (): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await pools.get('coders')).replicas.map((replica) => [
      replica.agentId,
      `${replica.unit} ${replica.desiredState}`,
    ]),
  );
const events = async (type: EventType) => test.bus.list({ types: [type], limit: 100 });
const status = (agentId: string): string | undefined => test.fleet.agents.get(agentId)?.status;

async function runs(...agents: string[]): Promise<void> {
  await until(async () => {
    const { replicas } = await pools.get('coders');
    const recorded = replicas.filter((replica) => replica.unit === 'running').length;
    return (
      runningAgents().join() === [...agents].sort().join() && recorded >= new Set(agents.map(nameOf)).size
    );
  });
}

/** The machine boots anew with its clock set back by an hour, and Omoi starts again. */
async function rebootSetBack(): Promise<void> {
  await pools.close();
  await test.stop();
  test.clock.reboot();
  test.clock.stepWallClock(-3_600_000);
  await test.start();
  pools = openPools();
  await pools.start();
}

const nameOf = (agent: string): string => agent.split('/')[0] ?? '';

beforeEach(async () => {
  machine = new MemoryMachine();
  pools = openPools();
  await pools.start();
});

afterEach(() => pools.close());

describe('a pool', () => {
  it('starts what it should have, and tells each agent who it is', async () => {
    await pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    const env = machine.starts[0]?.env ?? {};
    expect(env).toMatchObject({
      OMOI_URL: 'http://127.0.0.1:4600',
      OMOI_AGENT_ID: 'coders-1',
      OMOI_AGENT_GENERATION: '1',
      OMOI_AGENT_TOKEN: 'token of coders-1',
      OMOI_POOL_ID: 'coders',
      OMOI_PHASE_ID: 'PHASE_IMPLEMENTATION',
      COLOUR: 'green',
      PATH: '/bin',
    });
    expect(env['OMOI_AGENT_NONCE']).toMatch(/^[0-9a-f]{48}$/);
    expect(env['TRACEPARENT']).toBe(TRACE);
    expect((await events('fleet.agent.spawned')).length).toBe(2);
  });

  it('starts nothing when an agent ends unasked', async () => {
    await pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    machine.end(machine.pidOf('coders-2'), { exitCode: 3 });
    await until(() => status('coders-2') === 'FAILED');
    await test.clock.advance(600_000);
    expect(runningAgents()).toEqual(['coders-1/1']);
    expect((await events('fleet.agent.exited'))[0]?.payload).toMatchObject({ exit_code: 3, expected: false });
  });

  it('takes a person’s signal for no failure, and fills the place when Omoi starts again', async () => {
    await pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    machine.end(machine.pidOf('coders-2'), { signal: 'SIGTERM' });
    await until(() => status('coders-2') === 'TERMINATED');
    expect(test.fleet.agents.get('coders-2')?.row.status_reason).toBe('SIGTERM');
    await test.clock.advance(600_000);
    expect(runningAgents()).toEqual(['coders-1/1']);
    await pools.close();
    pools = openPools();
    await pools.start();
    await runs('coders-1/1', 'coders-2/2');
  });

  it('grows by a override once, and shrinks from the top when it expires', async () => {
    await pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    const override = {
      ...ASKED,
      traceparent: TRACE,
      poolId: 'coders',
      overrideId: 'c1',
      add: 2,
      ttlMs: 60_000,
    };
    expect((await pools.setScaleOverride(override)).effective).toBe(4);
    expect((await pools.setScaleOverride(override)).effective).toBe(4);
    await runs('coders-1/1', 'coders-2/1', 'coders-3/1', 'coders-4/1');
    expect(machine.starts[2]?.env['TRACEPARENT']).toContain('0af7651916cd43dd8448eb211c80319c');
    expect(await pools.extendScaleOverride('c1', 120_000)).toBe(true);
    await test.clock.advance(100_000);
    expect(runningAgents().length).toBe(4);
    await test.clock.advance(21_000);
    await runs('coders-1/1', 'coders-2/1');
    await until(() => status('coders-4') === 'TERMINATED' && status('coders-3') === 'TERMINATED');
    expect(await pools.extendScaleOverride('c1', 1000)).toBe(false);
    expect((await events('fleet.pool.changed')).map((event) => event.payload)).toMatchObject([
      { effective: 2 },
      { effective: 4 },
      { effective: 2, reason: 'scale_override_expired' },
    ]);
  });

  it('has overrides of its own: another pool neither extends nor takes back one of them', async () => {
    for (const id of ['coders', 'testers']) await pools.create({ ...POOL, id }, ASKED);
    const override = { ...ASKED, overrideId: 'c1', add: 2 };
    const { expiresAtMs } = await pools.setScaleOverride({ ...override, poolId: 'coders', ttlMs: 60_000 });
    await expect(
      pools.setScaleOverride({ ...override, poolId: 'testers', ttlMs: 600_000 }),
    ).rejects.toMatchObject({ code: 'invalid_request' });
    await pools.removeScaleOverride({ overrideId: 'c1', ofPool: 'testers' }, ASKED);
    const overrides = async (poolId: string) =>
      (await pools.get(poolId)).overrides.map((row) => [row.overrideId, row.expiresAtMs]);
    expect(await overrides('testers')).toEqual([]);
    expect(await overrides('coders')).toEqual([['c1', expiresAtMs]]);
  });

  it.each([3_600_000, -3_600_000])(
    'keeps an override for its time while the wall clock steps by %d ms, over a restart too',
    async (stepMs) => {
      await pools.create(POOL, ASKED);
      await pools.setScaleOverride({ ...ASKED, poolId: 'coders', overrideId: 'c1', add: 1, ttlMs: 60_000 });
      await runs('coders-1/1', 'coders-2/1', 'coders-3/1');
      test.clock.stepWallClock(stepMs);
      await test.clock.advance(20_000);
      await pools.close();
      pools = openPools();
      await pools.start();
      expect(await pools.extendScaleOverride('c1', 50_000)).toBe(true);
      test.clock.stepWallClock(stepMs);
      await test.clock.advance(49_000);
      expect(await processes()).toMatchObject({ 'coders-3': 'running run' });
      await test.clock.advance(1000);
      await until(async () => (await processes())['coders-3'] !== 'running run');
      expect(await pools.extendScaleOverride('c1', 50_000)).toBe(false);
    },
  );

  it('keeps an override no longer than for its time after a reboot with a clock that was set back', async () => {
    await pools.create(POOL, ASKED);
    await pools.setScaleOverride({ ...ASKED, poolId: 'coders', overrideId: 'c1', add: 1, ttlMs: 60_000 });
    await rebootSetBack();
    const left = async () => {
      const [override] = (await pools.get('coders')).overrides;
      return override && override.expiresAtMs - test.clock.wallMs();
    };
    expect(await left()).toBe(60_000);
    await test.clock.advance(50_000);
    test.clock.stepWallClock(3_600_000);
    expect(await left()).toBe(10_000);
    // The look at the pool may have taken some of this time.
    let passedMs = 0;
    await until(async () => {
      await test.clock.advance(1000);
      passedMs += 1000;
      return (await left()) === undefined;
    });
    expect(passedMs).toBeLessThan(300_000);
  });

  it('takes an override under the id of one that has expired for a new one', async () => {
    await pools.create(POOL, ASKED);
    const override = { ...ASKED, poolId: 'coders', overrideId: 'c1', add: 1, ttlMs: 60_000 };
    await pools.setScaleOverride(override);
    // Its end has not been noticed yet.
    await test.database.transaction((tx) =>
      tx.db.updateTable('pool_scale_overrides').set({ expires_at_ms: tx.nowMs }).execute(),
    );
    expect(await pools.setScaleOverride({ ...override, add: 3 })).toMatchObject({ effective: 5 });
  });

  it.each([3_600_000, -3_600_000])('shows its deadlines by a clock that was set by %d ms', async (stepMs) => {
    await pools.create({ ...POOL, command: ['ignore_sigterm'] }, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    await pools.setScaleOverride({ ...ASKED, poolId: 'coders', overrideId: 'c1', add: 1, ttlMs: 600_000 });
    await pools.stop({ ...ASKED, agentId: 'coders-1' });
    const shown = async () => {
      const { overrides, replicas } = await pools.get('coders');
      const times = [overrides[0]?.expiresAtMs, replicas[0]?.killAtMs];
      return times.map((atMs) => (atMs ?? 0) - test.clock.wallMs());
    };
    expect(await shown()).toEqual([600_000, GRACE_MS]);
    test.clock.stepWallClock(stepMs);
    await test.clock.advance(1000);
    expect(await shown()).toEqual([599_000, GRACE_MS - 1000]);
    expect(await pools.list({ afterPoolId: null, limit: 10 })).toEqual([await pools.get('coders')]);
    expect((await pools.replica('coders-1'))?.killAtMs).toBe(test.clock.wallMs() + GRACE_MS - 1000);
  });

  it('looks at its replicas a few times, however many of them end at once', async () => {
    const many = 100;
    let transactions = 0;
    const counted: StateDatabase = {
      ...test.database,
      transaction: (work, options) => {
        transactions++;
        return test.database.transaction(work, options);
      },
    };
    await pools.close();
    pools = openTestPools(
      { database: counted, bus: test.bus, stateClock: test.stateClock, fleet: test.fleet },
      { machine },
    );
    await pools.start();
    await pools.create({ ...POOL, desired: many, max: many }, ASKED);
    const all = (state: string) =>
      until(async () => {
        const { replicas } = await pools.get('coders');
        return replicas.length === many && replicas.every(({ unit }) => unit === state);
      });
    await all('running');
    transactions = 0;
    for (const { agentId } of machine.running) machine.end(machine.pidOf(agentId), { exitCode: 3 });
    await all('ended');
    // One records each end; the rest are looks.
    expect(transactions - many).toBeGreaterThan(0);
    expect(transactions - many).toBeLessThan(many / 4);
  });

  it('fills a replica again whose agent was retired, as the next generation', async () => {
    await pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    await pools.update('coders', { desired: 1 }, ASKED);
    expect(pools.definitions()).toEqual([{ ...POOL, desired: 1 }]);
    await runs('coders-1/1');
    await until(() => status('coders-2') === 'TERMINATED');
    await pools.update('coders', { desired: 2 }, ASKED);
    await runs('coders-1/1', 'coders-2/2');
  });

  it('asks nobody to repair what failed and is not wanted any more', async () => {
    await pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    machine.end(machine.pidOf('coders-2'), { exitCode: 1 });
    await until(() => status('coders-2') === 'FAILED');
    await pools.update('coders', { desired: 1 }, ASKED);
    expect(status('coders-2')).toBe('TERMINATED');
    expect((await events('fleet.agent.status_changed')).at(-1)?.payload).toMatchObject({
      agent_id: 'coders-2',
      from: 'FAILED',
      to: 'TERMINATED',
      reason: 'retired',
    });
  });

  it('never has more than max', async () => {
    await pools.create(POOL, ASKED);
    const override = { ...ASKED, poolId: 'coders', overrideId: 'c1', add: 100, ttlMs: 60_000 };
    expect((await pools.setScaleOverride(override)).effective).toBe(6);
    await pools.removeScaleOverride({ overrideId: 'c1' }, ASKED);
    await pools.removeScaleOverride({ overrideId: 'c1' }, ASKED);
    await until(async () => (await pools.get('coders')).effective === 2);
  });

  it('has a hundred scale overrides and no more, and each of them may be given again', async () => {
    await pools.create(POOL, ASKED);
    const override = (at: number) => ({
      ...ASKED,
      poolId: 'coders',
      overrideId: `c${at}`,
      add: 1,
      ttlMs: 60_000,
    });
    for (let at = 0; at < 100; at++) await pools.setScaleOverride(override(at));
    await expect(pools.setScaleOverride(override(100))).rejects.toMatchObject({
      code: 'pool_bounds',
      message: expect.stringContaining('maxScaleOverridesPerPool (100)'),
    });
    expect((await pools.setScaleOverride(override(99))).effective).toBe(POOL.max);
    await pools.removeScaleOverride({ overrideId: 'c0' }, ASKED);
    expect((await pools.setScaleOverride(override(100))).effective).toBe(POOL.max);
  });

  it('goes when the last of its agents has ended', async () => {
    await pools.create({ ...POOL, command: ['ignore_sigterm'] }, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    await pools.remove('coders', ASKED);
    expect((await pools.get('coders')).state).toBe('removing');
    expect(pools.definitions()).toEqual([]);
    await expect(pools.update('coders', { desired: 3 }, ASKED)).rejects.toMatchObject({
      code: 'transition_not_allowed',
    });
    const isBeingRemoved = /Pool coders is being removed: .* may be made anew when its last agent has ended/;
    await expect(pools.restart({ ...ASKED, agentId: 'coders-1' })).rejects.toThrow(isBeingRemoved);
    await expect(pools.create(POOL, ASKED)).rejects.toThrow(isBeingRemoved);
    await test.clock.advance(GRACE_MS);
    await until(async () => (await pools.list({ afterPoolId: null, limit: 1 })).length === 0);
    expect(runningAgents()).toEqual([]);
  });
});

describe('a restart', () => {
  it('brings back what failed, and what a person stopped', async () => {
    await pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    machine.end(machine.pidOf('coders-1'), { signal: 'SIGSEGV' });
    await until(() => status('coders-1') === 'FAILED');
    await pools.stop({ ...ASKED, agentId: 'coders-2' });
    await until(() => status('coders-2') === 'TERMINATED');
    expect(test.fleet.agents.get('coders-1')?.row.status_reason).toBe('SIGSEGV');
    expect(test.fleet.agents.get('coders-2')?.row.status_reason).toBe('stopped by tester');
    await test.clock.advance(60_000);
    expect(runningAgents()).toEqual([]);
    expect((await pools.restart({ ...ASKED, agentId: 'coders-1' })).generation).toBe(2);
    expect((await pools.restart({ ...ASKED, agentId: 'coders-2' })).generation).toBe(2);
    await runs('coders-1/2', 'coders-2/2');
  });

  it.each([
    [{ agentId: 'nobody' }, 'unknown_agent'],
    [{ agentId: 'coders-1', expectedGeneration: 9 }, 'unknown_generation'],
    [{ agentId: 'coders-2' }, 'transition_not_allowed'],
    [{ agentId: 'guest' }, 'agent_not_managed'],
  ])('of %j is refused', async (order, code) => {
    await test.fleet.agents.register(registration('guest'));
    await pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    await pools.update('coders', { desired: 1 }, ASKED);
    await expect(pools.restart({ ...ASKED, ...order })).rejects.toMatchObject({ code });
  });
});

describe('an external agent that has the id of a replica', () => {
  const registered = () =>
    test.fleet.agents.register({ ...registration('coders-2'), labels: { provider: 'theirs' } });
  const leave = () =>
    test.fleet.agents.deregister({
      agentId: 'coders-2',
      generation: 1,
      reason: 'done',
      exit: null,
      traceparent: null,
    });

  it('keeps it while it lives, and leaves it when it has ended', async () => {
    await registered();
    await pools.create(POOL, ASKED);
    await runs('coders-1/1');
    await leave();
    await until(() => status('coders-2') === 'TERMINATED');
    await pools.update('coders', { desired: 3 }, ASKED);
    await runs('coders-1/1', 'coders-2/2', 'coders-3/1');
    const taken = test.fleet.agents.get('coders-2');
    expect(taken).toMatchObject({ managed: true, row: { pool_id: 'coders', labels: '{}' } });
    // It is restarted like any other from then on, and whoever had the id may not come back as it.
    machine.end(machine.pidOf('coders-2'), { signal: 'SIGSEGV' });
    await until(() => status('coders-2') === 'FAILED');
    expect((await pools.restart({ ...ASKED, agentId: 'coders-2' })).generation).toBe(3);
    await expect(registered()).rejects.toMatchObject({ code: 'agent_is_managed' });
  });

  it('is named by the pool, and is followed when it ends, though nothing of the pool changes', async () => {
    await registered();
    await pools.create(POOL, ASKED);
    await runs('coders-1/1');
    const notStarted = async () => (await pools.get('coders')).notStarted;
    const reason = 'an agent that Omoi does not manage has its id: it is started when that one has ended';
    expect(await notStarted()).toEqual([{ agentId: 'coders-2', reason }]);
    // A look that nothing has come of asks the database for it no more.
    await pools.update('coders', { desired: 3 }, ASKED);
    await runs('coders-1/1', 'coders-3/1');
    expect(await notStarted()).toEqual([{ agentId: 'coders-2', reason }]);
    await leave();
    await runs('coders-1/1', 'coders-2/2', 'coders-3/1');
    expect(await notStarted()).toEqual([]);
  });

  it('is no matter of the pool any more where that shrinks', async () => {
    await registered();
    await pools.create(POOL, ASKED);
    await runs('coders-1/1');
    await pools.update('coders', { desired: 1 }, ASKED);
    expect((await pools.get('coders')).notStarted).toEqual([]);
    await leave();
    await test.clock.advance(60_000);
    expect(runningAgents()).toEqual(['coders-1/1']);
  });

  it('is Omoi’s own after a restart of the server, too', async () => {
    await registered();
    await leave();
    await pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/2');
    const [row] = await test.database.reader
      .selectFrom('agents')
      .select(['managed', 'registered_by'])
      .where('agent_id', '=', 'coders-2')
      .execute();
    expect(row).toEqual({ managed: 1, registered_by: null });
  });
});

describe('a command that does not exist', () => {
  it('is told of by the pool, which tries again later and later, and starts once it is corrected', async () => {
    await pools.create({ ...POOL, desired: 1, command: ['missing'] }, ASKED);
    await until(async () => (await pools.get('coders')).spawnFailures === 1);
    const first = await pools.get('coders');
    expect(first.lastError).toBe('the command "missing" was not found');
    expect(first.nextAttemptAtMs).toBeGreaterThan(test.clock.wallMs());
    // The next attempt is planned after the failure that is seen here was written.
    await until(async () => {
      await test.clock.advance(100);
      return (await pools.get('coders')).spawnFailures >= 2;
    });
    const failures = await events('fleet.pool.spawn_failed');
    // Waiting moves the clock: a third may have come.
    expect(failures.length).toBeGreaterThanOrEqual(2);
    await pools.update('coders', { command: ['run'] }, ASKED);
    await runs('coders-1/1');
    expect(await pools.get('coders')).toMatchObject({ spawnFailures: 0, lastError: null });
  });

  it.each([3_600_000, -3_600_000])(
    'is tried again after its pause while the wall clock steps by %d ms and Omoi starts again',
    async (stepMs) => {
      await pools.create({ ...POOL, desired: 1, command: ['missing'] }, ASKED);
      await until(async () => (await pools.get('coders')).spawnFailures === 1);
      const failed = async () => (await events('fleet.pool.spawn_failed')).length;
      const pauseMs = ((await pools.get('coders')).nextAttemptAtMs ?? 0) - test.clock.wallMs();
      await pools.close();
      test.clock.stepWallClock(stepMs);
      pools = openPools();
      await pools.start();
      const startedMs = test.clock.monotonicMs();
      await until(async () => {
        await test.clock.advance(50);
        return (await failed()) > 1;
      });
      const passedMs = test.clock.monotonicMs() - startedMs;
      expect(passedMs).toBeGreaterThan(pauseMs - 50);
      expect(passedMs).toBeLessThan(3_000_000);
    },
  );

  it('is tried again after its pause where the machine boots with a clock that was set back', async () => {
    await pools.create({ ...POOL, desired: 1, command: ['missing'] }, ASKED);
    await until(async () => (await pools.get('coders')).spawnFailures === 1);
    const failed = async () => (await events('fleet.pool.spawn_failed')).length;
    await rebootSetBack();
    const pauseMs = ((await pools.get('coders')).nextAttemptAtMs ?? 0) - test.clock.wallMs();
    const startedMs = test.clock.monotonicMs();
    await until(async () => {
      await test.clock.advance(50);
      return (await failed()) > 1;
    });
    expect(test.clock.monotonicMs() - startedMs).toBeLessThan(pauseMs + 1000);
  });

  it('leaves nothing to start when its agent is no longer wanted', async () => {
    await pools.create({ ...POOL, desired: 1, command: ['missing'] }, ASKED);
    await until(async () => (await pools.get('coders')).spawnFailures === 1);
    await pools.update('coders', { desired: 0, command: ['run'] }, ASKED);
    await until(async () => (await processes())['coders-1'] === 'ended retired');
    expect(machine.starts).toEqual([]);
  });
});

describe('after a crash of the server', () => {
  /** kill -9: nothing is closed in order, and nothing more is written. */
  async function crash(): Promise<void> {
    await pools.close();
    pools = openPools();
    await pools.start();
  }

  it('what runs is adopted, not doubled, and its end is seen with an unknown code', async () => {
    await pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    await crash();
    await runs('coders-1/1', 'coders-2/1');
    expect(machine.starts.length).toBe(2);
    machine.end(machine.pidOf('coders-1'), { exitCode: 0 });
    await until(() => status('coders-1') === 'FAILED');
    expect((await events('fleet.agent.exited'))[0]?.payload).toMatchObject({ exit_code: null, signal: null });
  });

  it('what ended meanwhile has failed', async () => {
    await pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    await pools.close();
    machine.end(machine.pidOf('coders-2'), { exitCode: 0 });
    pools = openPools();
    await pools.start();
    await until(() => status('coders-2') === 'FAILED');
    expect(runningAgents()).toEqual(['coders-1/1']);
  });

  it.each([
    ['was carried out', true],
    ['was not carried out', false],
  ])('an intent whose spawn %s is carried out once', async (_, carriedOut) => {
    await pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    const spec = machine.starts[0];
    if (!spec) throw new Error('nothing was started');
    await pools.close();
    if (!carriedOut) {
      machine.end(machine.pidOf('coders-1'), {});
    }
    await test.database.transaction(async (tx) => {
      await tx.db
        .updateTable('agent_units')
        .set({ state: 'intended', nonce: spec.nonce, handle: null, pid: null, started_at_ms: null })
        .where('agent_id', '=', 'coders-1')
        .execute();
    });
    pools = openPools();
    await pools.start();
    await runs('coders-1/1', 'coders-2/1');
    expect(machine.starts.length).toBe(carriedOut ? 2 : 3);
    expect(machine.starts.at(-1)?.nonce).toBeDefined();
  });

  it('a stop goes on where it was', async () => {
    await pools.create({ ...POOL, command: ['ignore_sigterm'] }, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    await pools.update('coders', { desired: 1 }, ASKED);
    await crash();
    expect(runningAgents()).toEqual(['coders-1/1', 'coders-2/1']);
    await test.clock.advance(GRACE_MS + 1);
    await runs('coders-1/1');
  });
});

describe('stopAll', () => {
  it('ends every agent; they run again when Omoi starts again', async () => {
    await pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    await pools.stopAll(GRACE_MS);
    expect(runningAgents()).toEqual([]);
    await pools.close();
    pools = openPools();
    await pools.start();
    await runs('coders-1/2', 'coders-2/2');
  });
});

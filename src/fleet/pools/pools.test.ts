import { describe, expect, it } from 'vitest';
import type { StateDatabase } from '#storage';
import { registration } from '../fleet.test-support.ts';
import { ASKED, GRACE_MS, POOL, TRACE, useTestPools } from './pools.test-support.ts';

const stage = useTestPools();
const { test, until, runningAgents, processes, runs, events, status } = stage;

describe('a pool', () => {
  it('starts what it should have, and tells each agent who it is', async () => {
    await stage.pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    const env = stage.machine.starts[0]?.env ?? {};
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
    await stage.pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    stage.machine.end(stage.machine.pidOf('coders-2'), { exitCode: 3 });
    await until(() => status('coders-2') === 'FAILED');
    await test.clock.advance(600_000);
    expect(runningAgents()).toEqual(['coders-1/1']);
    expect((await events('fleet.agent.exited'))[0]?.payload).toMatchObject({ exit_code: 3, expected: false });
  });

  it('takes a person’s signal for no failure, and fills the place when Omoi starts again', async () => {
    await stage.pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    stage.machine.end(stage.machine.pidOf('coders-2'), { signal: 'SIGTERM' });
    await until(() => status('coders-2') === 'TERMINATED');
    expect(test.fleet.agents.get('coders-2')?.row.status_reason).toBe('SIGTERM');
    await test.clock.advance(600_000);
    expect(runningAgents()).toEqual(['coders-1/1']);
    await stage.restart();
    await runs('coders-1/1', 'coders-2/2');
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
    await stage.pools.close();
    await stage.openPools({ database: counted });
    await stage.pools.create({ ...POOL, desired: many, max: many }, ASKED);
    const all = (state: string) =>
      until(async () => {
        const { replicas } = await stage.pools.get('coders');
        return replicas.length === many && replicas.every(({ unit }) => unit === state);
      });
    await all('running');
    transactions = 0;
    for (const { agentId } of stage.machine.running)
      stage.machine.end(stage.machine.pidOf(agentId), { exitCode: 3 });
    await all('ended');
    // One records each end; the rest are looks.
    expect(transactions - many).toBeGreaterThan(0);
    expect(transactions - many).toBeLessThan(many / 4);
  });

  it('fills a replica again whose agent was retired, as the next generation', async () => {
    await stage.pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    await stage.pools.update('coders', { desired: 1 }, ASKED);
    expect(stage.pools.definitions()).toEqual([{ ...POOL, desired: 1 }]);
    await runs('coders-1/1');
    await until(() => status('coders-2') === 'TERMINATED');
    await stage.pools.update('coders', { desired: 2 }, ASKED);
    await runs('coders-1/1', 'coders-2/2');
  });

  it('asks nobody to repair what failed and is not wanted any more', async () => {
    await stage.pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    stage.machine.end(stage.machine.pidOf('coders-2'), { exitCode: 1 });
    await until(() => status('coders-2') === 'FAILED');
    await stage.pools.update('coders', { desired: 1 }, ASKED);
    expect(status('coders-2')).toBe('TERMINATED');
    expect((await events('fleet.agent.status_changed')).at(-1)?.payload).toMatchObject({
      agent_id: 'coders-2',
      from: 'FAILED',
      to: 'TERMINATED',
      reason: 'retired',
    });
  });

  it('goes when the last of its agents has ended', async () => {
    await stage.pools.create({ ...POOL, command: ['ignore_sigterm'] }, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    await stage.pools.remove('coders', ASKED);
    expect((await stage.pools.get('coders')).state).toBe('removing');
    expect(stage.pools.definitions()).toEqual([]);
    await expect(stage.pools.update('coders', { desired: 3 }, ASKED)).rejects.toMatchObject({
      code: 'transition_not_allowed',
    });
    const isBeingRemoved = /Pool coders is being removed: .* may be made anew when its last agent has ended/;
    await expect(stage.pools.restart({ ...ASKED, agentId: 'coders-1' })).rejects.toThrow(isBeingRemoved);
    await expect(stage.pools.create(POOL, ASKED)).rejects.toThrow(isBeingRemoved);
    await test.clock.advance(GRACE_MS);
    await until(async () => (await stage.pools.list({ afterPoolId: null, limit: 1 })).length === 0);
    expect(runningAgents()).toEqual([]);
  });
});

describe('a restart', () => {
  it('brings back what failed, and what a person stopped', async () => {
    await stage.pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    stage.machine.end(stage.machine.pidOf('coders-1'), { signal: 'SIGSEGV' });
    await until(() => status('coders-1') === 'FAILED');
    await stage.pools.stop({ ...ASKED, agentId: 'coders-2' });
    await until(() => status('coders-2') === 'TERMINATED');
    expect(test.fleet.agents.get('coders-1')?.row.status_reason).toBe('SIGSEGV');
    expect(test.fleet.agents.get('coders-2')?.row.status_reason).toBe('stopped by tester');
    await test.clock.advance(60_000);
    expect(runningAgents()).toEqual([]);
    expect((await stage.pools.restart({ ...ASKED, agentId: 'coders-1' })).generation).toBe(2);
    expect((await stage.pools.restart({ ...ASKED, agentId: 'coders-2' })).generation).toBe(2);
    await runs('coders-1/2', 'coders-2/2');
  });

  it('ends the token of a generation with its process, and of none that goes on', async () => {
    await stage.pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    stage.machine.end(stage.machine.pidOf('coders-1'), { exitCode: 1 });
    await until(() => status('coders-1') === 'FAILED');
    expect(stage.endedTokens).toEqual(['coders-1/1, the last']);
    await stage.pools.restart({ ...ASKED, agentId: 'coders-1' });
    await runs('coders-1/2', 'coders-2/1');
    expect(stage.endedTokens).toHaveLength(1);
    await stage.restart();
    await runs('coders-1/2', 'coders-2/1');
    expect(stage.endedTokens).toHaveLength(1);
    await stage.pools.remove('coders', ASKED);
    await until(async () => (await stage.pools.list({ afterPoolId: null, limit: 1 })).length === 0);
    expect(stage.endedTokens.slice(1).toSorted()).toEqual(['coders-1/2, the last', 'coders-2/1, the last']);
  });

  it.each([
    [{ agentId: 'nobody' }, 'unknown_agent'],
    [{ agentId: 'coders-1', expectedGeneration: 9 }, 'unknown_generation'],
    [{ agentId: 'coders-2' }, 'transition_not_allowed'],
    [{ agentId: 'guest' }, 'agent_not_managed'],
  ])('of %j is refused', async (order, code) => {
    await test.fleet.agents.register(registration('guest'));
    await stage.pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    await stage.pools.update('coders', { desired: 1 }, ASKED);
    await expect(stage.pools.restart({ ...ASKED, ...order })).rejects.toMatchObject({ code });
  });
});

describe('a command that does not exist', () => {
  it('is told of by the pool, which tries again later and later, and starts once it is corrected', async () => {
    await stage.pools.create({ ...POOL, desired: 1, command: ['missing'] }, ASKED);
    await until(async () => (await stage.pools.get('coders')).spawnFailures === 1);
    const first = await stage.pools.get('coders');
    expect(first.lastError).toBe('the command "missing" was not found');
    expect(first.nextAttemptAtMs).toBeGreaterThan(test.clock.wallMs());
    // The next attempt is planned after the failure that is seen here was written.
    await until(async () => {
      await test.clock.advance(100);
      return (await stage.pools.get('coders')).spawnFailures >= 2;
    });
    const failures = await events('fleet.pool.spawn_failed');
    // Waiting moves the clock: a third may have come.
    expect(failures.length).toBeGreaterThanOrEqual(2);
    await stage.pools.update('coders', { command: ['run'] }, ASKED);
    await runs('coders-1/1');
    expect(await stage.pools.get('coders')).toMatchObject({ spawnFailures: 0, lastError: null });
  });

  it.each([3_600_000, -3_600_000])(
    'is tried again after its pause while the wall clock steps by %d ms and Omoi starts again',
    async (stepMs) => {
      await stage.pools.create({ ...POOL, desired: 1, command: ['missing'] }, ASKED);
      await until(async () => (await stage.pools.get('coders')).spawnFailures === 1);
      const failed = async () => (await events('fleet.pool.spawn_failed')).length;
      const pauseMs = ((await stage.pools.get('coders')).nextAttemptAtMs ?? 0) - test.clock.wallMs();
      await stage.pools.close();
      test.clock.stepWallClock(stepMs);
      await stage.openPools();
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
    await stage.pools.create({ ...POOL, desired: 1, command: ['missing'] }, ASKED);
    await until(async () => (await stage.pools.get('coders')).spawnFailures === 1);
    const failed = async () => (await events('fleet.pool.spawn_failed')).length;
    await stage.rebootSetBack();
    const startedMs = test.clock.monotonicMs();
    await until(async () => {
      await test.clock.advance(50);
      return (await failed()) > 1;
    });
    // A tenth of what the clock is behind by: time passes while what is looked at takes its time.
    expect(test.clock.monotonicMs() - startedMs).toBeLessThan(360_000);
  });

  it('leaves nothing to start when its agent is no longer wanted', async () => {
    await stage.pools.create({ ...POOL, desired: 1, command: ['missing'] }, ASKED);
    await until(async () => (await stage.pools.get('coders')).spawnFailures === 1);
    await stage.pools.update('coders', { desired: 0, command: ['run'] }, ASKED);
    await until(async () => (await processes())['coders-1'] === 'ended retired');
    expect(stage.machine.starts).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { registration } from '../fleet.test-support.ts';
import { ASKED, GRACE_MS, POOL, useTestPools } from './pools.test-support.ts';

const stage = useTestPools();
const { test, until, runningAgents, runs, events, status } = stage;

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
    await stage.pools.create(POOL, ASKED);
    await runs('coders-1/1');
    await leave();
    await until(() => status('coders-2') === 'TERMINATED');
    await stage.pools.update('coders', { desired: 3 }, ASKED);
    await runs('coders-1/1', 'coders-2/2', 'coders-3/1');
    const taken = test.fleet.agents.get('coders-2');
    expect(taken).toMatchObject({ managed: true, row: { pool_id: 'coders', labels: '{}' } });
    // It is restarted like any other from then on, and whoever had the id may not come back as it.
    stage.machine.end(stage.machine.pidOf('coders-2'), { signal: 'SIGSEGV' });
    await until(() => status('coders-2') === 'FAILED');
    expect((await stage.pools.restart({ ...ASKED, agentId: 'coders-2' })).generation).toBe(3);
    await expect(registered()).rejects.toMatchObject({ code: 'agent_is_managed' });
  });

  it('is named by the pool, and is followed when it ends, though nothing of the pool changes', async () => {
    await registered();
    await stage.pools.create(POOL, ASKED);
    await runs('coders-1/1');
    const notStarted = async () => (await stage.pools.get('coders')).notStarted;
    const reason = 'an agent that Omoi does not manage has its id: it is started when that one has ended';
    expect(await notStarted()).toEqual([{ agentId: 'coders-2', reason }]);
    // A look that nothing has come of asks the database for it no more.
    await stage.pools.update('coders', { desired: 3 }, ASKED);
    await runs('coders-1/1', 'coders-3/1');
    expect(await notStarted()).toEqual([{ agentId: 'coders-2', reason }]);
    await leave();
    await runs('coders-1/1', 'coders-2/2', 'coders-3/1');
    expect(await notStarted()).toEqual([]);
  });

  it('is no matter of the pool any more where that shrinks', async () => {
    await registered();
    await stage.pools.create(POOL, ASKED);
    await runs('coders-1/1');
    await stage.pools.update('coders', { desired: 1 }, ASKED);
    expect((await stage.pools.get('coders')).notStarted).toEqual([]);
    await leave();
    await test.clock.advance(60_000);
    expect(runningAgents()).toEqual(['coders-1/1']);
  });

  it('is Omoi’s own after a restart of the server, too', async () => {
    await registered();
    await leave();
    await stage.pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/2');
    const [row] = await test.database.reader
      .selectFrom('agents')
      .select(['managed', 'registered_by'])
      .where('agent_id', '=', 'coders-2')
      .execute();
    expect(row).toEqual({ managed: 1, registered_by: null });
  });
});

describe('after a crash of the server', () => {
  /** kill -9: nothing is closed in order, and nothing more is written. */
  async function crash(): Promise<void> {
    await stage.restart();
  }

  it('what runs is adopted, not doubled, and its end is seen with an unknown code', async () => {
    await stage.pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    await crash();
    await runs('coders-1/1', 'coders-2/1');
    expect(stage.machine.starts.length).toBe(2);
    stage.machine.end(stage.machine.pidOf('coders-1'), { exitCode: 0 });
    await until(() => status('coders-1') === 'FAILED');
    expect((await events('fleet.agent.exited'))[0]?.payload).toMatchObject({ exit_code: null, signal: null });
  });

  it('what is asked for before anything is looked after starts then, once, and not before', async () => {
    await stage.pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    await stage.restart(async (pools) => {
      // As a remediation does that goes on; workers could not find this server yet.
      await pools.restart({ ...ASKED, agentId: 'coders-1' });
      await pools.update('coders', { desired: 3 }, ASKED);
      await test.clock.advance(2000);
      expect(stage.machine.starts).toHaveLength(2);
    });
    await until(() => stage.machine.starts.length > 3);
    stage.machine.end(stage.machine.pidOf('coders-1'), { exitCode: 0 });
    await test.clock.advance(2000);
    expect(stage.machine.starts.map(({ agentId, generation }) => `${agentId}/${generation}`).sort()).toEqual([
      'coders-1/1',
      'coders-1/2',
      'coders-2/1',
      'coders-3/1',
    ]);
  });

  it('what is adopted and says goodbye has ended on purpose, though nobody sees how', async () => {
    await stage.pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    const spec = stage.machine.starts.find(({ agentId }) => agentId === 'coders-1');
    const own = { poolId: 'coders', generation: 1, nonce: spec?.nonce ?? '' };
    await test.fleet.agents.register(registration('coders-1', own));
    await crash();
    await runs('coders-1/1', 'coders-2/1');
    await test.fleet.agents.deregister({
      agentId: 'coders-1',
      generation: 1,
      reason: 'SIGTERM',
      exit: null,
      traceparent: null,
    });
    stage.machine.end(stage.machine.pidOf('coders-1'), { exitCode: 0 });
    await until(async () => (await events('fleet.agent.exited')).length > 0);
    expect((await events('fleet.agent.exited'))[0]?.payload).toMatchObject({
      exit_code: null,
      expected: true,
    });
    expect(status('coders-1')).toBe('TERMINATED');
  });

  it.each([
    ['finished', 'has done its work: the next server does not run it again', ['coders-2/1']],
    ['SIGTERM', 'was ended beside the server: the next server fills its place', ['coders-1/2', 'coders-2/1']],
  ])('who has left as %s %s', async (reason, _, after) => {
    await stage.pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    const spec = stage.machine.starts.find(({ agentId }) => agentId === 'coders-1');
    const own = { poolId: 'coders', generation: 1, nonce: spec?.nonce ?? '' };
    await test.fleet.agents.register(registration('coders-1', own));
    const leave = { agentId: 'coders-1', generation: 1, reason, exit: null, traceparent: null };
    await test.fleet.agents.deregister(leave);
    stage.machine.end(stage.machine.pidOf('coders-1'), { exitCode: 0 });
    await until(async () => (await events('fleet.agent.exited')).length > 0);
    await crash();
    // A look at the pool that opens the third place has opened the first one, too, where that is open.
    await stage.pools.update('coders', { desired: 3 }, ASKED);
    await runs(...after, 'coders-3/1');
    // Another definition is other work.
    if (reason !== 'finished') return;
    await stage.pools.update('coders', { command: ['run', 'more'] }, ASKED);
    await until(() => runningAgents().includes('coders-1/2'));
  });

  it('what ended meanwhile has failed', async () => {
    await stage.pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    await stage.pools.close();
    stage.machine.end(stage.machine.pidOf('coders-2'), { exitCode: 0 });
    await stage.openPools();
    await until(() => status('coders-2') === 'FAILED');
    expect(runningAgents()).toEqual(['coders-1/1']);
  });

  it.each([
    ['was carried out', true],
    ['was not carried out', false],
  ])('an intent whose spawn %s is carried out once', async (_, carriedOut) => {
    await stage.pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    const spec = stage.machine.starts[0];
    if (!spec) throw new Error('nothing was started');
    await stage.pools.close();
    if (!carriedOut) {
      stage.machine.end(stage.machine.pidOf('coders-1'), {});
    }
    await test.database.transaction(async (tx) => {
      await tx.db
        .updateTable('agent_units')
        .set({ state: 'intended', nonce: spec.nonce, handle: null, pid: null, started_at_ms: null })
        .where('agent_id', '=', 'coders-1')
        .execute();
    });
    await stage.openPools();
    await runs('coders-1/1', 'coders-2/1');
    expect(stage.machine.starts.length).toBe(carriedOut ? 2 : 3);
    expect(stage.machine.starts.at(-1)?.nonce).toBeDefined();
  });

  it('a stop goes on where it was', async () => {
    await stage.pools.create({ ...POOL, command: ['ignore_sigterm'] }, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    await stage.pools.update('coders', { desired: 1 }, ASKED);
    await crash();
    expect(runningAgents()).toEqual(['coders-1/1', 'coders-2/1']);
    await test.clock.advance(GRACE_MS + 1);
    await runs('coders-1/1');
  });

  it('who may not have been asked to leave before is asked now, and has its grace', async () => {
    await stage.pools.create({ ...POOL, command: ['ignore_sigterm'] }, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    await stage.pools.update('coders', { desired: 1 }, ASKED);
    await stage.pools.close();
    await test.clock.advance(10 * GRACE_MS);
    await stage.openPools();
    await test.clock.advance(GRACE_MS - 100);
    expect(runningAgents()).toEqual(['coders-1/1', 'coders-2/1']);
    await test.clock.advance(200);
    await runs('coders-1/1');
  });
});

describe('stopAll', () => {
  it('ends every agent; they run again when Omoi starts again', async () => {
    await stage.pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    await stage.pools.stopAll(GRACE_MS);
    expect(runningAgents()).toEqual([]);
    await stage.restart();
    await runs('coders-1/2', 'coders-2/2');
  });

  it('starts none that is asked for meanwhile: the next start of Omoi does', async () => {
    await stage.pools.create(POOL, ASKED);
    await runs('coders-1/1', 'coders-2/1');
    await stage.pools.stopAll(GRACE_MS);
    await stage.pools.update('coders', { desired: 3 }, ASKED);
    await test.clock.advance(GRACE_MS);
    expect(runningAgents()).toEqual([]);
    await stage.restart();
    await runs('coders-1/2', 'coders-2/2', 'coders-3/1');
  });
});

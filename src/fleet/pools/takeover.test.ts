import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { definePool } from '#telemetry';
import { registration, useTestFleet } from '../fleet.test-support.ts';
import { MemoryMachine } from '../runtimes/memory-runtime.test-support.ts';
import type { PoolParts } from './pool-parts.ts';
import type { Pools } from './pools.ts';
import { openTestPools, untilTrue } from './pools.test-support.ts';

const ASKED = { reason: 'test', by: 'tester', traceparent: null };
const POOL = definePool({ id: 'coders', command: ['ignore_sigterm'], desired: 3, max: 6, graceMs: 5000 });
/** Of a worker. */
const TTL_MS = 3500;

const test = useTestFleet({ threads: 'one' });
/** The machine of the first server, and that of the one which follows it. */
let first: MemoryMachine;
let second: MemoryMachine;
let pools: Pools;
let sequence: number;
/** `AGENT/GENERATION` of each whose token was ended. */
let endedTokens: string[];

const until = (condition: () => boolean | Promise<boolean>): Promise<void> =>
  untilTrue(test.clock, condition);
const agent = (agentId: string) => test.fleet.agents.get(agentId);
const statuses = (): string =>
  ['coders-1', 'coders-2', 'coders-3'].map((agentId) => agent(agentId)?.status).join();
const runningOn = (machine: MemoryMachine): readonly string[] =>
  machine.running.map(({ agentId, generation }) => `${agentId}/${generation}`).toSorted();
const replica = async (agentId: string) =>
  (await pools.get('coders')).replicas.find((one) => one.agentId === agentId);

function beatAs(agentId: string, generation: number) {
  return test.fleet.heartbeats.take({
    agentId,
    generation,
    sequence: ++sequence,
    degraded: false,
    reason: null,
    inFlight: 0,
    nonce: null,
  });
}

/** Whoever runs on the first machine, and is among these, beats. */
function beat(...agentIds: readonly string[]): void {
  for (const agentId of agentIds) beatAs(agentId, agent(agentId)?.generation ?? 0);
}

async function pass(ms: number, ...beating: readonly string[]): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += 250) {
    beat(...beating);
    await test.clock.advance(250);
  }
}

async function passUntil(condition: () => boolean, ...beating: readonly string[]): Promise<void> {
  for (let look = 0; look < 2000 && !condition(); look++) await pass(250, ...beating);
  expect(condition()).toBe(true);
}

function openPools(machine: MemoryMachine, host: string): Promise<void> {
  const agentTokens: PoolParts['agentTokens'] = {
    mint: () => Promise.resolve('token'),
    end(_, { agentId, generation }) {
      endedTokens.push(`${agentId}/${generation}`);
      return Promise.resolve();
    },
  };
  pools = openTestPools(test, { machine, host, agentTokens });
  return pools.start();
}

/** The first server is gone without a word; another one, on another machine, takes its state over. */
async function takeOver(stepMs = 0): Promise<void> {
  await pools.close();
  await test.stop();
  test.clock.reboot();
  test.clock.stepWallClock(stepMs);
  await test.start('host-b');
  await openPools(second, 'host-b');
}

beforeEach(async () => {
  first = new MemoryMachine();
  second = new MemoryMachine();
  sequence = 0;
  await test.stop();
  await test.start('host-a');
  endedTokens = [];
  await openPools(first, 'host-a');
  await pools.create(POOL, ASKED);
  await until(() => first.running.length === 3);
  await until(async () => (await pools.get('coders')).replicas.every(({ unit }) => unit === 'running'));
  for (const { agentId, generation, nonce } of first.running) {
    await test.fleet.agents.register(registration(agentId, { poolId: 'coders', generation, nonce }));
  }
});

afterEach(() => pools.close());

describe('units of a server on another machine', () => {
  it('go on while they are heard, and are shown where they run', async () => {
    await takeOver();
    await pass(60_000, 'coders-1', 'coders-2', 'coders-3');
    expect(statuses()).toBe('IDLE,IDLE,IDLE');
    expect(runningOn(first)).toEqual(['coders-1/1', 'coders-2/1', 'coders-3/1']);
    expect(second.starts).toEqual([]);
    expect(await replica('coders-1')).toMatchObject({ unit: 'running', host: 'host-a', generation: 1 });
    expect(agent('coders-1')?.placement.domains).toEqual(['pool:coders', 'host:host-a']);
  });

  it('have ended where none of them is heard within a heartbeat TTL', async () => {
    await takeOver();
    await pass(TTL_MS - 500, 'coders-1');
    expect(statuses()).not.toContain('FAILED');
    await passUntil(() => statuses() === 'IDLE,FAILED,FAILED', 'coders-1');
    expect(second.starts).toEqual([]);
    await pools.restart({ ...ASKED, agentId: 'coders-2' });
    await until(() => runningOn(second).join() === 'coders-2/2');
    await until(async () => (await replica('coders-2'))?.unit === 'running');
    expect(await replica('coders-2')).toMatchObject({ host: 'host-b' });
    expect(agent('coders-2')?.placement.domains).toEqual(['pool:coders', 'host:host-b']);
  });

  it('that count as gone keep their tokens: who is heard again is told why it is refused', async () => {
    await takeOver();
    await passUntil(() => statuses() === 'IDLE,FAILED,FAILED', 'coders-1');
    await until(async () => (await replica('coders-2'))?.unit === 'ended');
    expect(endedTokens).toEqual([]);
    await pools.restart({ ...ASKED, agentId: 'coders-2' });
    await until(async () => (await replica('coders-2'))?.unit === 'running');
    expect(endedTokens).toEqual([]);
    expect(() => beatAs('coders-2', 1)).toThrow(
      'Generation 1 of agent coders-2 was followed by generation 2',
    );
    // The end of one that is seen from here ends its token.
    second.end(second.pidOf('coders-2'), { exitCode: 1 });
    await until(() => endedTokens.length > 0);
    expect(endedTokens).toEqual(['coders-2/2']);
  });

  it('that fall silent later are silent as any other, and are replaced here', async () => {
    await takeOver();
    await pass(10_000, 'coders-1', 'coders-2', 'coders-3');
    await passUntil(() => statuses() === 'IDLE,IDLE,UNRESPONSIVE', 'coders-1', 'coders-2');
    await pools.restart({ ...ASKED, agentId: 'coders-3' });
    await until(() => runningOn(second).join() === 'coders-3/2');
    // Nobody can end it from here; whatever it says is refused.
    expect(runningOn(first)).toContain('coders-3/1');
  });

  it('are asked to leave by their heartbeats, and count as ended after their grace', async () => {
    await takeOver();
    await pass(1000, 'coders-1', 'coders-2', 'coders-3');
    await pools.update('coders', { desired: 2 }, ASKED);
    expect(beatAs('coders-3', 1).desired).toBe('drain');
    await pass(POOL.graceMs - 1000, 'coders-1', 'coders-2');
    expect(statuses()).not.toContain('TERMINATED');
    await passUntil(() => statuses() === 'IDLE,IDLE,TERMINATED', 'coders-1', 'coders-2');
    expect(await replica('coders-3')).toMatchObject({ unit: 'ended' });
  });

  it('have no more than their grace to leave where the clock of the machine that takes over is behind', async () => {
    await pools.update('coders', { desired: 2 }, ASKED);
    await until(async () => (await replica('coders-3'))?.desiredState !== 'run');
    await takeOver(-3_600_000);
    await pass(1000, 'coders-1', 'coders-2', 'coders-3');
    expect(statuses()).not.toContain('TERMINATED');
    const startedMs = test.clock.monotonicMs();
    await passUntil(() => statuses() === 'IDLE,IDLE,TERMINATED', 'coders-1', 'coders-2', 'coders-3');
    // A tenth of what the clock is behind by: time passes while what is looked at takes its time.
    expect(test.clock.monotonicMs() - startedMs).toBeLessThan(360_000);
  });

  it('have ended when they say so', async () => {
    await takeOver();
    await pass(1000, 'coders-1', 'coders-2', 'coders-3');
    await pools.restart({ ...ASKED, agentId: 'coders-1' });
    await test.fleet.agents.deregister({
      agentId: 'coders-1',
      generation: 1,
      reason: 'drained',
      exit: null,
      traceparent: null,
    });
    await passUntil(() => runningOn(second).join() === 'coders-1/2', 'coders-2', 'coders-3');
  });

  it('are taken up again where their own machine follows', async () => {
    await takeOver();
    await pass(1000, 'coders-1', 'coders-2', 'coders-3');
    await pools.close();
    await openPools(first, 'host-a');
    first.end(first.pidOf('coders-2'), { exitCode: 1 });
    await until(() => agent('coders-2')?.status === 'FAILED');
    expect(runningOn(first)).toEqual(['coders-1/1', 'coders-3/1']);
  });
});

describe('a start that a server on another machine has not recorded', () => {
  /** The first server has died between the start of coders-4 and its record. */
  async function openUnrecorded(): Promise<{ readonly nonce: string }> {
    const key = { agentId: 'coders-3', generation: 1 };
    const spec = first.running.find(({ agentId }) => agentId === 'coders-3');
    const nonce = spec?.nonce ?? '';
    await test.database.transaction(async (tx) => {
      await tx.db
        .updateTable('agent_units')
        .set({ state: 'intended', nonce, handle: null, pid: null })
        .where('agent_id', '=', key.agentId)
        .execute();
    });
    return { nonce };
  }

  it('goes on there where it has registered', async () => {
    await openUnrecorded();
    await takeOver();
    await pass(20_000, 'coders-1', 'coders-2', 'coders-3');
    expect(statuses()).toBe('IDLE,IDLE,IDLE');
    expect(second.starts).toEqual([]);
  });

  it('is done here where it has not, and the one there is refused', async () => {
    const { nonce } = await openUnrecorded();
    await test.database.transaction(async (tx) => {
      await tx.db
        .updateTable('agent_generations')
        .set({ state: 'opened' })
        .where('agent_id', '=', 'coders-3')
        .execute();
      await tx.db
        .updateTable('agents')
        .set({ status: 'SPAWNING' })
        .where('agent_id', '=', 'coders-3')
        .execute();
    });
    await takeOver();
    await until(() => runningOn(second).join() === 'coders-3/1');
    const mine = second.running[0]?.nonce ?? '';
    expect(mine).not.toBe(nonce);
    const as = (said: string) =>
      test.fleet.agents.register(registration('coders-3', { poolId: 'coders', generation: 1, nonce: said }));
    await expect(as(nonce)).rejects.toThrow('belongs to a process with another nonce');
    expect((await as(mine)).agent.status).toBe('IDLE');
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { definePool, type PoolChange, type PoolDefinition } from '#telemetry';
import { registration, useTestFleet } from '../fleet.test-support.ts';
import { MemoryMachine } from '../runtimes/memory-runtime.test-support.ts';
import type { Pools } from './pools.ts';
import { openTestPools, untilTrue } from './pools.test-support.ts';

const ASKED = { reason: 'a release', by: 'tester', traceparent: null };
const POOL = definePool({ id: 'coders', command: ['run'], env: { COLOUR: 'green' }, desired: 4, max: 8 });
const RED = { env: { COLOUR: 'red' } };
/** The usual pace of a worker, twice. */
const HEALTHY_FOR_MS = 2000;

/** Nobody is judged by silence. */
const test = useTestFleet({ threads: 'one', ticks: 'none' });
let machine: MemoryMachine;
let pools: Pools;
/** Whether processes tell of themselves. */
let register: boolean;
let registered: Set<string>;
/** The most replicas that were away at one time. */
let mostAway: number;
/** How many there shall be at least. */
let wanted: number;

const openPools = (): Pools => openTestPools(test, { machine });
const until = (condition: () => boolean | Promise<boolean>): Promise<void> =>
  untilTrue(test.clock, condition);
const colours = (): string =>
  machine.running
    .toSorted((a, b) => a.agentId.localeCompare(b.agentId))
    .map(({ env }) => env['COLOUR'])
    .join();
const told = async (): Promise<readonly string[]> =>
  (await test.events('fleet.pool.roll_changed')).map((payload) => {
    const { state, reason } = payload as { state: string; reason: string };
    return `${state}: ${reason}`;
  });
const roll = async () => (await pools.get('coders')).roll;

/** Those that run, are known to do so and have told of themselves. */
async function countUp(): Promise<number> {
  const { replicas } = await pools.get('coders');
  return replicas.filter(({ agentId, generation, unit, desiredState }) => {
    const agent = test.fleet.agents.get(agentId);
    const isWell =
      agent?.generation === generation && (agent.status === 'IDLE' || agent.status === 'RUNNING');
    return isWell && unit === 'running' && desiredState === 'run';
  }).length;
}

/** What has started tells of itself. */
async function tellAll(): Promise<void> {
  const { replicas } = await pools.get('coders');
  for (const { agentId, generation, nonce } of machine.running) {
    const isKnown = replicas.some(
      (replica) =>
        replica.agentId === agentId && replica.generation === generation && replica.unit === 'running',
    );
    if (!register || !isKnown || registered.has(nonce)) continue;
    registered.add(nonce);
    await test.fleet.agents.register(registration(agentId, { poolId: 'coders', generation, nonce }));
  }
}

/** Lets time pass in which nobody has anything to tell. */
const passIdly = (ms: number): Promise<void> => test.clock.advance(ms);

/** Lets time pass, a look at a time. */
async function pass(ms: number): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += 250) {
    await tellAll();
    mostAway = Math.max(mostAway, wanted - (await countUp()));
    await test.clock.advance(250);
  }
}

async function passUntil(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let look = 0; look < 2000; look++) {
    if (await condition()) return;
    await pass(250);
  }
  throw new Error('it did not come true');
}

async function fullPool(change: Partial<PoolDefinition> = {}): Promise<void> {
  await pools.create({ ...POOL, ...change }, ASKED);
  wanted = change.desired ?? POOL.desired;
  await until(async () => {
    await tellAll();
    return (await countUp()) === wanted;
  });
  mostAway = 0;
}

const change = (what: PoolChange) => pools.update('coders', what, ASKED);

beforeEach(async () => {
  machine = new MemoryMachine();
  register = true;
  registered = new Set();
  mostAway = 0;
  wanted = 0;
  pools = openPools();
  await pools.start();
});

afterEach(() => pools.close());

describe('a pool whose definition has changed', () => {
  it.each([1, 2])('rolls, and never has more than max_unavailable (%d) away', async (maxUnavailable) => {
    await fullPool({ maxUnavailable });
    await change(RED);
    expect(await roll()).toMatchObject({
      state: 'rolling',
      reason: 'a release, asked by tester',
      remaining: 4,
    });
    await passUntil(async () => (await roll()) === null);
    expect(colours()).toBe('red,red,red,red');
    expect(mostAway).toBe(maxUnavailable);
    expect(await told()).toEqual([
      'rolling: a release, asked by tester',
      'completed: all replicas have the new definition',
    ]);
    const requested = await test.events('fleet.agent.restart_requested');
    expect(requested.map((payload) => (payload as { reason: string }).reason)).toEqual(
      Array.from({ length: 4 }, () => 'pool_rolled'),
    );
  });

  it('takes the next one only when the new generation has been healthy for a while', async () => {
    await fullPool();
    await change(RED);
    await passUntil(async () => colours() === 'green,green,green,red' && (await countUp()) === 4);
    await pass(HEALTHY_FOR_MS - 500);
    expect(colours()).toBe('green,green,green,red');
    await passUntil(() => colours() === 'green,green,red,red');
  });

  it('does nothing for what holds at once', async () => {
    await fullPool();
    await change({ overlap: true, maxUnavailable: 3, max: 7 });
    await pass(30_000);
    expect(machine.starts).toHaveLength(4);
    expect(await told()).toEqual([]);
  });

  it('goes on after a crash of the server', async () => {
    await fullPool();
    await change(RED);
    await passUntil(() => colours().includes('red'));
    await pools.close();
    pools = openPools();
    await pools.start();
    await passUntil(async () => (await roll()) === null);
    expect(colours()).toBe('red,red,red,red');
    expect(mostAway).toBe(1);
    expect(machine.starts).toHaveLength(8);
  });

  it('keeps within the bound while it is scaled and restarted by others', async () => {
    await fullPool();
    await change(RED);
    await passUntil(() => colours().includes('red'));
    await change({ desired: 6 });
    await passUntil(async () => (await countUp()) >= 5);
    await pools.restart({ ...ASKED, agentId: 'coders-1' });
    await passUntil(async () => (await roll()) === null);
    expect(colours()).toBe('red,red,red,red,red,red');
    // One by the roll, and one by the restart.
    expect(mostAway).toBeLessThanOrEqual(2);
    expect(machine.starts).toHaveLength(10);
  });

  it('brings one that has failed to it first', async () => {
    await fullPool();
    machine.end(machine.pidOf('coders-1'), { exitCode: 1 });
    await until(() => test.fleet.agents.get('coders-1')?.status === 'FAILED');
    mostAway = 0;
    await change(RED);
    await passUntil(() => machine.starts.length === 5);
    expect(machine.starts.at(-1)?.agentId).toBe('coders-1');
    await passUntil(async () => (await roll()) === null);
    expect(mostAway).toBe(1);
    expect(colours()).toBe('red,red,red,red');
  });

  it('leaves whom a person has stopped', async () => {
    await fullPool();
    await pools.stop({ ...ASKED, agentId: 'coders-2' });
    await until(() => test.fleet.agents.get('coders-2')?.status === 'TERMINATED');
    await change(RED);
    await passUntil(async () => (await roll()) === null);
    expect(colours()).toBe('red,red,red');
  });
});

describe('a definition whose generations do not prove themselves', () => {
  it('stops the roll as soon as it could not be started three times in a row', async () => {
    await fullPool();
    await change({ command: ['missing'] });
    const startedMs = test.clock.monotonicMs();
    await passUntil(async () => (await pools.get('coders')).spawnFailures >= 3);
    await until(async () => (await roll())?.state === 'stopped');
    expect(test.clock.monotonicMs() - startedMs).toBeLessThan(10_000);
  });

  it.each<[string, PoolChange, string]>([
    [
      'it ends at once',
      { command: ['exit', '3'] },
      'generation 2 of coders-4 ended with code 3 before it had been well for 2s',
    ],
    [
      'it does not exist',
      { command: ['missing'] },
      'generation 2 of coders-4 could not be started: the command "missing" was not found',
    ],
  ])('stops the roll after one: %s', async (_what, broken, reason) => {
    await fullPool();
    await change(broken);
    await passUntil(async () => (await roll())?.state === 'stopped');
    expect(await roll()).toMatchObject({ reason, remaining: 3 });
    expect(await told()).toEqual(['rolling: a release, asked by tester', `stopped: ${reason}`]);
    await passIdly(300_000);
    expect(colours()).toMatch(/^green,green,green(,green)?$/);
    // A scale is no answer to it, nor is the same configuration once more.
    await pools.declare({ ...POOL, ...broken, max: 7 }, ASKED);
    await pass(30_000);
    expect(colours()).toMatch(/^green,green,green(,green)?$/);
    expect(await roll()).toMatchObject({ state: 'stopped' });
  });

  it('starts what is repaired, restarted or added meanwhile with the last definition that worked', async () => {
    await fullPool();
    await change({ command: ['exit', '3'], ...RED });
    await passUntil(async () => (await roll())?.state === 'stopped');
    for (const agentId of ['coders-4', 'coders-1']) await pools.restart({ ...ASKED, agentId });
    await passUntil(async () => (await countUp()) === 4);
    await pools.close();
    pools = openPools();
    await pools.start();
    wanted = 5;
    await change({ desired: 5 });
    await passUntil(async () => (await countUp()) === 5);
    expect(colours()).toBe('green,green,green,green,green');
    expect(await roll()).toMatchObject({ state: 'stopped', remaining: 5 });
    await change({ command: POOL.command });
    await passUntil(async () => (await roll()) === null);
    expect(colours()).toBe('red,red,red,red,red');
  });

  it('stops it where one never registers', async () => {
    await fullPool();
    register = false;
    await change(RED);
    await passUntil(async () => (await roll())?.state === 'stopped');
    expect(await roll()).toMatchObject({ reason: 'generation 2 of coders-4 has not registered after 1m' });
    // Whoever repairs it may have given it up before: it gets the definition that worked all the same.
    register = true;
    await passUntil(async () => colours() === 'green,green,green,green' && (await countUp()) === 4);
    expect(await roll()).toMatchObject({ state: 'stopped', remaining: 4 });
    expect(await test.events('fleet.agent.restart_requested')).toContainEqual(
      expect.objectContaining({ agent_id: 'coders-4', generation: 2, reason: 'pool_roll_stopped' }),
    );
  });

  it('stops it at the same time where the server starts again meanwhile, whatever becomes of the clock', async () => {
    await fullPool();
    register = false;
    await change(RED);
    await passUntil(() => colours() === 'green,green,green,red');
    for (const stepMs of [3_600_000, -3_600_000]) {
      await pass(20_000);
      await pools.close();
      test.clock.stepWallClock(stepMs);
      pools = openPools();
      await pools.start();
    }
    await pass(17_000);
    expect(await roll()).toMatchObject({ state: 'rolling' });
    await pass(5000);
    expect(await roll()).toMatchObject({ reason: 'generation 2 of coders-4 has not registered after 1m' });
  });

  it('gives whoever could not register while the server was down time to be heard', async () => {
    await fullPool();
    register = false;
    await change(RED);
    await passUntil(() => colours() === 'green,green,green,red');
    await pools.close();
    await test.clock.advance(600_000);
    pools = openPools();
    await pools.start();
    await pass(3000);
    expect(await roll()).toMatchObject({ state: 'rolling' });
    register = true;
    await passUntil(async () => (await roll()) === null);
    expect(colours()).toBe('red,red,red,red');
  });

  it('counts no illness of an earlier roll', async () => {
    await fullPool();
    register = false;
    await change(RED);
    await passUntil(async () => (await roll())?.state === 'stopped');
    await change({ env: { COLOUR: 'blue' } });
    await passUntil(() => colours().includes('blue'));
    await pass(50_000);
    expect(await roll()).toMatchObject({ state: 'rolling' });
    register = true;
    await passUntil(async () => (await roll()) === null);
    expect(colours()).toBe('blue,blue,blue,blue');
  });

  it('waits for one that may take longer to register, for as long as its pool says', async () => {
    await fullPool();
    register = false;
    await change({ ...RED, startWithinMs: 300_000 });
    await passUntil(() => colours() === 'green,green,green,red');
    await pass(290_000);
    expect(await roll()).toMatchObject({ state: 'rolling' });
    register = true;
    await passUntil(async () => (await roll()) === null);
    expect(colours()).toBe('red,red,red,red');
  });

  it.each([[['exit', '3']], [['missing']]])(
    'begins anew with a further change, and one back leaves those that never left it: %s',
    async (command) => {
      await fullPool();
      await change({ command });
      await passUntil(async () => (await roll())?.state === 'stopped');
      await change({ command: POOL.command });
      await passUntil(async () => (await roll()) === null);
      expect(colours()).toBe('green,green,green,green');
      expect(await told()).toHaveLength(4);
      expect(new Set(machine.starts.slice(4).map(({ agentId }) => agentId))).toEqual(new Set(['coders-4']));
    },
  );
});

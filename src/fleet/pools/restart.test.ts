import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { definePool, type PoolDefinition } from '#telemetry';
import { claimOf, heldBy, registration, task, useTestFleet } from '../fleet.test-support.ts';
import { MemoryMachine } from '../runtimes/memory-runtime.test-support.ts';
import type { Pools } from './pools.ts';
import { openTestPools, untilTrue } from './pools.test-support.ts';

const AGENT = 'coders-1';
const ASKED = { reason: 'test', by: 'tester', traceparent: null };
const ORDER = { ...ASKED, agentId: AGENT };
const GRACE_MS = 60_000;
/** More than two TTLs: it holds work, and nothing is seen of its processes. */
const SILENCE_MS = 8000;

const test = useTestFleet({ threads: 'one' });
let machine: MemoryMachine;
let pools: Pools;
let sequence: number;

const openPools = (): Pools => openTestPools(test, { machine });
const until = (condition: () => boolean | Promise<boolean>): Promise<void> =>
  untilTrue(test.clock, condition);

const running = (): string =>
  machine.running
    .map(({ agentId, generation }) => `${agentId}/${generation}`)
    .sort()
    .join();
const status = (): string | undefined => test.fleet.agents.get(AGENT)?.status;

/** A pool of one whose agent has registered; it does not end by itself when it is asked to. */
async function poolOfOne(change: Partial<PoolDefinition> = {}): Promise<void> {
  const pool = definePool({
    id: 'coders',
    command: ['ignore_sigterm'],
    desired: 1,
    max: 3,
    graceMs: GRACE_MS,
  });
  await pools.create({ ...pool, ...change }, ASKED);
  await registered(1);
}

async function registered(generation: number): Promise<void> {
  await until(async () =>
    (await pools.get('coders')).replicas.some(
      ({ unit, ...replica }) =>
        replica.agentId === AGENT && replica.generation === generation && unit === 'running',
    ),
  );
  const spec = machine.starts.findLast(({ agentId }) => agentId === AGENT);
  await test.fleet.agents.register(
    registration(AGENT, { poolId: 'coders', generation, nonce: spec?.nonce ?? '' }),
  );
}

function beat(generation = 1): string {
  const quiet = { degraded: false, reason: null, nonce: null, inFlight: 0 };
  return test.fleet.heartbeats.take({ agentId: AGENT, generation, sequence: ++sequence, ...quiet }).desired;
}

async function claim(generation = 1): Promise<string | null> {
  const [claimed] = await test.fleet.tasks.claim(claimOf(AGENT, { generation, leaseMs: 600_000 }));
  return claimed?.task_id ?? null;
}

async function claimNew(): Promise<string> {
  await test.fleet.tasks.enqueue([task()], null);
  const taskId = await claim();
  if (taskId === null) throw new Error('nothing was claimed');
  return taskId;
}

const complete = (taskId: string, generation = 1) =>
  test.fleet.tasks.complete(heldBy(AGENT, taskId, generation), '"done"');

/** The agent says no word until it is judged. */
async function fallSilent(): Promise<void> {
  await test.clock.advance(SILENCE_MS);
  await until(() => status() === 'UNRESPONSIVE');
}

beforeEach(async () => {
  sequence = 0;
  machine = new MemoryMachine();
  pools = openPools();
  await pools.start();
});

afterEach(() => pools.close());

describe('a restart of an agent at work', () => {
  it('lets it finish its work, which counts, gives it no more, and starts n+1 when it has ended', async () => {
    await poolOfOne();
    const taskId = await claimNew();
    expect(await pools.restart(ORDER)).toEqual({ generation: 2, opened: true });
    await until(() => beat() === 'drain');
    await test.fleet.tasks.enqueue([task()], null);
    expect(await claim()).toBeNull();
    expect(running()).toBe('coders-1/1');
    expect(await complete(taskId)).toMatchObject({ state: 'completed', attempt: 1 });
    machine.end(machine.pidOf(AGENT), { exitCode: 0 });
    await until(() => running() === 'coders-1/2');
    expect(await test.fleet.tasks.get(taskId)).toMatchObject({ state: 'completed', generation: 1 });
    await registered(2);
    expect(await claim(2)).not.toBeNull();
    expect(await test.events('fleet.task.refused')).toEqual([]);
  });

  it('ends it when the grace is over, and what it holds goes back to the queue', async () => {
    await poolOfOne();
    const taskId = await claimNew();
    await pools.restart(ORDER);
    for (let passedMs = 0; passedMs < GRACE_MS; passedMs += 1000) {
      beat();
      await test.clock.advance(1000);
    }
    await until(() => running() === 'coders-1/2');
    expect(await test.fleet.tasks.get(taskId)).toMatchObject({ state: 'queued' });
    expect(await test.events('fleet.agent.exited')).toMatchObject([{ signal: 'SIGKILL', expected: true }]);
    await expect(complete(taskId)).rejects.toMatchObject({ code: 'generation_superseded' });
  });

  it.each([3_600_000, -3_600_000])(
    'leaves it its grace and no more while the wall clock steps by %d ms, over a restart of Omoi too',
    async (stepMs) => {
      await poolOfOne();
      await claimNew();
      await pools.restart(ORDER);
      await until(() => beat() === 'drain');
      test.clock.stepWallClock(stepMs);
      await pools.close();
      pools = openPools();
      await pools.start();
      for (let passedMs = 0; passedMs < GRACE_MS - 1000; passedMs += 1000) {
        beat();
        await test.clock.advance(1000);
      }
      expect(running()).toBe('coders-1/1');
      beat();
      await test.clock.advance(1000);
      await until(() => running() === 'coders-1/2');
    },
  );

  it('is one restart, however often it is asked for while it is under way', async () => {
    await poolOfOne();
    const first = await Promise.all(Array.from({ length: 20 }, () => pools.restart(ORDER)));
    expect(first.filter(({ opened }) => opened)).toEqual([{ generation: 2, opened: true }]);
    expect(new Set(first.map(({ generation }) => generation))).toEqual(new Set([2]));
    expect(await pools.restart({ ...ORDER, expectedGeneration: 1 })).toEqual({
      generation: 2,
      opened: false,
    });
    machine.end(machine.pidOf(AGENT), { exitCode: 0 });
    await until(() => running() === 'coders-1/2');
    // It has not told of itself yet: it is what was asked for.
    expect(await pools.restart(ORDER)).toEqual({ generation: 2, opened: false });
    await registered(2);
    expect(await pools.restart(ORDER)).toEqual({ generation: 3, opened: true });
    expect((await test.events('fleet.agent.restart_requested')).length).toBe(2);
  });

  it('goes on after a crash of the server', async () => {
    await poolOfOne();
    await pools.restart(ORDER);
    await pools.close();
    machine.end(machine.pidOf(AGENT), { exitCode: 0 });
    pools = openPools();
    await pools.start();
    await until(() => running() === 'coders-1/2');
  });

  it.each<[string, () => Promise<unknown>]>([
    ['the agent is stopped', () => pools.stop(ORDER)],
    ['the pool shrinks', () => pools.update('coders', { desired: 0 }, ASKED)],
    ['the pool is removed', () => pools.remove('coders', ASKED)],
  ])('is taken back where meanwhile %s', async (_, change) => {
    await poolOfOne();
    await pools.restart(ORDER);
    await change();
    machine.end(machine.pidOf(AGENT), { exitCode: 0 });
    await until(() => status() === 'TERMINATED');
    await test.clock.advance(60_000);
    expect(machine.starts.length).toBe(1);
  });

  it('tells at whose word an agent has left, whatever it says itself as it goes', async () => {
    await poolOfOne();
    await pools.stop(ORDER);
    const goodbye = { agentId: AGENT, generation: 1, reason: 'stopped by SIGTERM', exit: null };
    await test.fleet.agents.deregister({ ...goodbye, traceparent: null });
    machine.end(machine.pidOf(AGENT), { exitCode: 0 });
    await until(() => running() === '');
    const row = test.fleet.agents.get(AGENT)?.row;
    expect([row?.status, row?.status_reason]).toEqual(['TERMINATED', 'stopped by tester']);
  });

  it('of a quarantined one is refused', async () => {
    await poolOfOne();
    await test.fleet.agents.quarantine(ORDER);
    await expect(pools.restart(ORDER)).rejects.toMatchObject({ code: 'transition_not_allowed' });
    expect(running()).toBe('coders-1/1');
  });

  it('is finished when the agent is released, where somebody put it in quarantine meanwhile', async () => {
    await poolOfOne();
    await pools.restart({ ...ORDER, reason: 'new model' });
    await test.fleet.agents.quarantine(ORDER);
    machine.end(machine.pidOf(AGENT), { exitCode: 0 });
    await staysInQuarantine();
    expect(await notStarted()).toEqual(RELEASED_FIRST);
    await test.fleet.agents.release(ORDER);
    await until(() => running() === 'coders-1/2');
    expect(await notStarted()).toEqual([]);
    expect(await test.events('fleet.agent.status_changed')).not.toContainEqual(
      expect.objectContaining({ to: 'FAILED' }),
    );
    const [generation] = await test.fleet.directory.generations(AGENT, 1);
    expect(generation).toMatchObject({ generation: 2, reason: 'new model', requested_by: 'tester' });
  });
});

/** The process has ended, and its agent is in quarantine still. */
async function staysInQuarantine(): Promise<void> {
  await until(async () => (await pools.get('coders')).replicas[0]?.unit === 'ended');
  await test.clock.advance(60_000);
  expect([status(), running()]).toEqual(['QUARANTINED', '']);
}

const RELEASED_FIRST = [{ agentId: AGENT, reason: 'it is in quarantine: it is started when it is released' }];
const notStarted = async () => (await pools.get('coders')).notStarted;

async function restartServer(): Promise<void> {
  await pools.close();
  pools = openPools();
  await pools.start();
}

describe('the quarantine of an agent', () => {
  it.each<[string, string, () => void | Promise<void>]>([
    ['crashes', 'FAILED SIGSEGV', () => machine.end(machine.pidOf(AGENT), { signal: 'SIGSEGV' })],
    [
      'ends by a person’s signal',
      'TERMINATED SIGTERM',
      () => machine.end(machine.pidOf(AGENT), { signal: 'SIGTERM' }),
    ],
    [
      'says goodbye and ends',
      'TERMINATED SIGTERM',
      async () => {
        const order = { agentId: AGENT, generation: 1, reason: 'SIGTERM', exit: null, traceparent: null };
        for (let times = 0; times < 2; times++) await test.fleet.agents.deregister(order);
        expect(await test.events('fleet.agent.deregistered')).toHaveLength(1);
        await test.clock.advance(10);
        machine.end(machine.pidOf(AGENT), { exitCode: 0 });
      },
    ],
  ])(
    'lasts until somebody ends it, also where its process %s, over a restart of the server too: it is %s then',
    async (_, released, end) => {
      await poolOfOne();
      const taskId = await claimNew();
      await test.fleet.agents.quarantine(ORDER);
      await end();
      await staysInQuarantine();
      expect(await test.fleet.tasks.get(taskId)).toMatchObject({ state: 'queued' });
      await expect(pools.restart(ORDER)).rejects.toMatchObject({
        code: 'transition_not_allowed',
        message: expect.stringContaining('release it before it is restarted'),
      });
      await restartServer();
      await staysInQuarantine();
      const { row } = await test.fleet.agents.release(ORDER);
      expect(`${row.status} ${row.status_reason}`).toBe(released);
      await pools.restart(ORDER);
      await until(() => running() === 'coders-1/2');
      await registered(2);
      expect(status()).toBe('IDLE');
    },
  );

  it.each<[string, () => unknown]>([
    ['', () => null],
    [', also while it drains', () => pools.restart(ORDER)],
  ])('lasts over a stop of Omoi with its agents%s', async (_, before) => {
    await poolOfOne();
    await before();
    await test.fleet.agents.quarantine(ORDER);
    const stopping = pools.stopAll(GRACE_MS);
    await until(() => machine.running.length > 0);
    machine.end(machine.pidOf(AGENT), { exitCode: 0 });
    await stopping;
    await restartServer();
    await staysInQuarantine();
    expect(await notStarted()).toEqual(RELEASED_FIRST);
    await test.fleet.agents.release(ORDER);
    await until(() => running() === 'coders-1/2');
  });

  it.each<[string, () => Promise<unknown>]>([
    ['it is stopped', () => pools.stop(ORDER)],
    ['the pool shrinks', () => pools.update('coders', { desired: 0 }, ASKED)],
    ['the pool is removed', () => pools.remove('coders', ASKED)],
  ])('is over where its process has ended and %s', async (_, change) => {
    await poolOfOne();
    await test.fleet.agents.quarantine(ORDER);
    machine.end(machine.pidOf(AGENT), { exitCode: 1 });
    await staysInQuarantine();
    await change();
    await until(() => status() === 'TERMINATED');
    await test.clock.advance(60_000);
    expect(machine.starts.length).toBe(1);
  });
});

describe('a restart of an agent that hangs', () => {
  it('fences it and ends it by force at once; n+1 starts when it is gone', async () => {
    await poolOfOne();
    const taskId = await claimNew();
    await fallSilent();
    expect(await pools.restart({ ...ORDER, expectedGeneration: 1 })).toEqual({ generation: 2, opened: true });
    expect(await test.fleet.tasks.get(taskId)).toMatchObject({ state: 'queued' });
    await expect(complete(taskId)).rejects.toMatchObject({ code: 'generation_superseded' });
    await until(() => running() === 'coders-1/2');
    expect(await test.events('fleet.agent.exited')).toMatchObject([{ signal: 'SIGKILL', expected: true }]);
  });

  it('starts n+1 beside it where the pool lets them overlap, and leaves it its grace', async () => {
    await poolOfOne({ overlap: true });
    await fallSilent();
    await pools.restart(ORDER);
    await until(() => running() === 'coders-1/1,coders-1/2');
    await test.clock.advance(GRACE_MS - 1);
    expect(running()).toBe('coders-1/1,coders-1/2');
    await test.clock.advance(2);
    await until(() => running() === 'coders-1/2');
  });

  it('is not waited for where the order says that it hangs', async () => {
    await poolOfOne();
    const askedAtMs = test.clock.monotonicMs();
    await pools.restart({ ...ORDER, hung: true });
    await until(() => running() === 'coders-1/2');
    expect(test.clock.monotonicMs() - askedAtMs).toBeLessThan(GRACE_MS);
  });

  it('replaces a drain under way', async () => {
    await poolOfOne();
    await pools.restart(ORDER);
    await fallSilent();
    expect(await pools.restart({ ...ORDER, expectedGeneration: 1 })).toEqual({ generation: 2, opened: true });
    await until(() => running() === 'coders-1/2');
    expect((await test.events('fleet.agent.exited')).length).toBe(1);
  });

  it('never has n and n+1 run side by side, also where n was just being started', async () => {
    await poolOfOne();
    await pools.restart({ ...ORDER, hung: true });
    await pools.restart({ ...ORDER, expectedGeneration: 2 });
    await until(() => running() === 'coders-1/3');
    expect(machine.mostAtOnce.get(AGENT)).toBe(1);
  });
});

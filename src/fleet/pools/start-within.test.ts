import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { definePool, type PoolChange } from '#telemetry';
import { useTestFleet } from '../fleet.test-support.ts';
import { MemoryMachine } from '../runtimes/memory-runtime.test-support.ts';
import type { Pools } from './pools.ts';
import { openTestPools, untilTrue } from './pools.test-support.ts';

// From when on the silence of a program that never registers counts.

const AGENT = 'mute-1';
const ASKED = { reason: 'test', by: 'tester', traceparent: null };

const test = useTestFleet({ threads: 'one' });
let machine: MemoryMachine;
let pools: Pools;

const status = (): string | undefined => test.fleet.agents.get(AGENT)?.row.status;
const until = (condition: () => boolean | Promise<boolean>): Promise<void> =>
  untilTrue(test.clock, condition);

/** When its process was started; null before. */
async function spawnedAtMs(): Promise<number | null> {
  const [spawned] = await test.bus.list({ types: ['fleet.agent.spawned'], limit: 1 });
  return spawned ? Date.parse(spawned.at) : null;
}

/** Until its process runs and that is written down. */
const untilSpawned = (): Promise<void> => until(async () => (await spawnedAtMs()) !== null);

/** Time passes in ticks, and what each starts comes to its end. */
async function pass(ms: number): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += 100) {
    await test.clock.advance(100);
    await until(() => test.fleet.agents.get(AGENT)?.moving === false);
  }
}

/** How long it takes until it is given up, ms, in ticks. */
async function untilGivenUp(): Promise<number> {
  const startedMs = test.clock.monotonicMs();
  while (status() === 'SPAWNING') await pass(100);
  return test.clock.monotonicMs() - startedMs;
}

async function create(more: PoolChange, command: readonly string[] = ['run']): Promise<void> {
  await pools.create(
    definePool({ id: 'mute', command: [...command], heartbeat: 'sdk', desired: 1, max: 1, ...more }),
    ASKED,
  );
}

beforeEach(async () => {
  machine = new MemoryMachine();
  pools = openTestPools(test, { machine });
  await pools.start();
});

afterEach(() => pools.close());

describe('a program that should register and never does is given up', () => {
  it.each<[string, PoolChange, number]>([
    ['after the usual time and TTL', {}, 18_500],
    ['with the TTL of its pool', { heartbeatIntervalMs: 500 }, 16_800],
    ['after the time that its pool gives it', { startWithinMs: 1000 }, 4500],
    ['after both of its pool', { startWithinMs: 1000, heartbeatTtlMs: 1500 }, 2500],
    ['later than usual, where its pool says so', { startWithinMs: 60_000 }, 63_500],
  ])('%s', async (_what, more, expectedMs) => {
    await create(more);
    await untilSpawned();
    expect(await untilGivenUp()).toBe(expectedMs);
    expect(status()).toBe('UNRESPONSIVE');
  });
});

describe('a program that cannot be started', () => {
  const reason = (): string | undefined => test.fleet.agents.get(AGENT)?.row.status_reason;
  const NOT_STARTED = /^not started: .*missing/;
  /** Until it is known that the present generation could not be started at the first attempt. */
  const untilRefused = (): Promise<void> =>
    until(() => {
      const { startError = null, row } = test.fleet.agents.get(AGENT) ?? {};
      return startError !== null && row?.status === 'SPAWNING';
    });

  it('has failed when it was not started in time: nobody is silent who was never there', async () => {
    await create({ startWithinMs: 1000 }, ['missing']);
    await untilRefused();
    await untilGivenUp();
    expect([status(), reason()]).toEqual(['FAILED', expect.stringMatching(NOT_STARTED)]);
    expect(test.fleet.agents.countOf('UNRESPONSIVE')).toBe(0);
    expect((await pools.replica(AGENT))?.startError).toContain('missing');
  });

  it('is being started as soon as it can be, over a restart of the server too', async () => {
    await create({}, ['missing']);
    await untilRefused();
    await untilGivenUp();
    await pools.close();
    pools = openTestPools(test, { machine });
    await pools.start();
    await pools.update('mute', { command: ['run'], heartbeat: 'process' }, ASKED);
    await untilSpawned();
    // It is looked at from the moment on at which its start is written down.
    await until(async () => {
      await pass(100);
      return status() === 'IDLE';
    });
    expect((await pools.replica(AGENT))?.startError).toBeNull();
  });

  it('is followed by another generation, which has its time', async () => {
    await create({}, ['missing']);
    await untilRefused();
    await untilGivenUp();
    const { generation } = await pools.restart({ agentId: AGENT, ...ASKED });
    expect(generation).toBe(2);
    await untilRefused();
    expect(await untilGivenUp()).toBeGreaterThan(15_000);
    expect([status(), reason()]).toEqual(['FAILED', expect.stringMatching(NOT_STARTED)]);
  });

  it.each([
    ['is wanted no more', { desired: 0 }, 'retired'],
    ['is stopped', null, 'stopped by tester'],
  ])('has not failed when it %s', async (_what, change, why) => {
    await create({}, ['missing']);
    await untilRefused();
    await untilGivenUp();
    if (change) await pools.update('mute', change, ASKED);
    else await pools.stop({ agentId: AGENT, ...ASKED });
    await until(() => status() === 'TERMINATED');
    expect(reason()).toBe(why);
  });
});

describe('its time begins', () => {
  it('when its process starts, not while it waits for that', async () => {
    await create({ startWithinMs: 1000 }, ['missing']);
    await until(() => status() === 'SPAWNING');
    await pass(6000);
    expect(status()).toBe('SPAWNING');
    await pools.update('mute', { command: ['run'] }, ASKED);
    // An attempt that was under way may have put the next one off.
    while ((await spawnedAtMs()) === null) await pass(100);
    await untilGivenUp();
    expect(status()).toBe('UNRESPONSIVE');
    const lastedMs = test.clock.wallMs() - ((await spawnedAtMs()) ?? 0);
    expect(lastedMs).toBeGreaterThanOrEqual(4500);
    // The machine may have been slow to write it down, but not by as long as the usual time is longer.
    expect(lastedMs).toBeLessThan(15_000);
  });

  it('anew where another server takes it up', async () => {
    await create({ startWithinMs: 10_000 });
    await untilSpawned();
    await pass(9000);
    await pools.close();
    pools = openTestPools(test, { machine });
    await pools.start();
    expect(await untilGivenUp()).toBe(13_500);
  });
});

import { afterEach, beforeEach, expect, it } from 'vitest';
import { definePool } from '#telemetry';
import { useTestFleet } from '../fleet.test-support.ts';
import { MemoryMachine } from '../runtimes/memory-runtime.test-support.ts';
import type { Pools } from './pools.ts';
import { openTestPools, untilTrue } from './pools.test-support.ts';

const ASKED = { reason: 'test', by: 'tester', traceparent: null };
const MAX_AGENTS = 10;

const GRACE_MS = 5000;

const test = useTestFleet({ threads: 'one', ticks: 'none', limits: { maxAgents: MAX_AGENTS } });
let pools: Pools;
beforeEach(async () => {
  pools = openTestPools(test, { machine: new MemoryMachine() });
  await pools.start();
});
afterEach(() => pools.close());

const isGone = (poolId: string): Promise<boolean> =>
  pools.get(poolId).then(
    () => false,
    () => true,
  );
const pool = (id: string, max: number) => definePool({ id, command: ['run'], desired: 0, max });
const refusal = (ofOthers: number, max: number) => ({
  code: 'pool_bounds',
  details: { max, of_others: ofOthers, max_agents: MAX_AGENTS },
});

it('all pools together may have maxAgents agents, new, changed or from the configuration', async () => {
  await pools.create(pool('a', 6), ASKED);
  await expect(pools.create(pool('b', 5), ASKED)).rejects.toMatchObject(refusal(6, 5));
  await expect(pools.declare(pool('b', 5), ASKED)).rejects.toMatchObject(refusal(6, 5));
  await pools.create(pool('b', 4), ASKED);
  await expect(pools.update('a', { max: 7 }, ASKED)).rejects.toMatchObject(refusal(4, 7));
  await expect(pools.declare(pool('a', 7), ASKED)).rejects.toMatchObject(refusal(4, 7));
  await pools.update('a', { max: 5 }, ASKED);
  await pools.update('b', { max: 5 }, ASKED);
  await pools.remove('a', ASKED);
  await pools.update('b', { max: 10 }, ASKED);
});

it('of those that come at once as many as there is room for', async () => {
  const all = await Promise.allSettled(['a', 'b', 'c', 'd'].map((id) => pools.create(pool(id, 4), ASKED)));
  expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
  expect(pools.definitions()).toHaveLength(2);
});

it('a refused change keeps no room, nor does one that is rolled back', async () => {
  await pools.create(pool('a', 5), ASKED);
  await expect(pools.create(pool('a', 9), ASKED)).rejects.toMatchObject({ code: 'pool_exists' });
  await pools.create(pool('b', 5), ASKED);
});

it('where there are too many already, as before a limit was lowered, what makes them no more is taken', async () => {
  await pools.create(pool('a', 6), ASKED);
  await pools.create(pool('b', 4), ASKED);
  await pools.close();
  pools = openTestPools(test, { machine: new MemoryMachine(), maxAgents: 3 });
  await pools.start();
  await pools.declare(pool('a', 6), ASKED);
  await pools.update('a', { max: 5, desired: 1 }, ASKED);
  await expect(pools.update('a', { max: 6 }, ASKED)).rejects.toMatchObject({ code: 'pool_bounds' });
});

it('of a pool that is being removed as many until its last agent has ended, over a restart of the server too', async () => {
  await pools.close();
  const machine = new MemoryMachine();
  const open = async (): Promise<void> => {
    pools = openTestPools(test, { machine });
    await pools.start();
  };
  await open();
  await pools.create({ ...pool('a', 6), command: ['ignore_sigterm'], desired: 1, graceMs: GRACE_MS }, ASKED);
  await untilTrue(test.clock, () => machine.running.length === 1);
  await pools.remove('a', ASKED);
  const refused = {
    ...refusal(6, 5),
    message: expect.stringContaining('what is being removed has ended (a)'),
  };
  await expect(pools.create(pool('b', 5), ASKED)).rejects.toMatchObject(refused);
  await pools.close();
  await open();
  await expect(pools.create(pool('b', 5), ASKED)).rejects.toMatchObject(refused);
  await test.clock.advance(GRACE_MS + 1);
  await untilTrue(test.clock, () => isGone('a'));
  await pools.create(pool('b', 10), ASKED);
});

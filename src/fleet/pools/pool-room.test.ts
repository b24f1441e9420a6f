import { afterEach, beforeEach, expect, it } from 'vitest';
import { definePool } from '#telemetry';
import { useTestFleet } from '../fleet.test-support.ts';
import { MemoryMachine } from '../runtimes/memory-runtime.test-support.ts';
import type { Pools } from './pools.ts';
import { openTestPools } from './pools.test-support.ts';

const ASKED = { reason: 'test', by: 'tester', traceparent: null };
const MAX_AGENTS = 10;

const test = useTestFleet({ threads: 'one', ticks: 'none', limits: { maxAgents: MAX_AGENTS } });
let pools: Pools;
beforeEach(async () => {
  pools = openTestPools(test, { machine: new MemoryMachine() });
  await pools.start();
});
afterEach(() => pools.close());

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

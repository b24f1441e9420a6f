import { afterEach, beforeEach, expect, it } from 'vitest';
import { definePool, type PoolDefinition } from '#telemetry';
import { useTestFleet } from '../fleet.test-support.ts';
import { MemoryMachine } from '../runtimes/memory-runtime.test-support.ts';
import type { Pools } from './pools.ts';
import { openTestPools } from './pools.test-support.ts';

const CONFIGURED = { reason: 'configured', by: 'configuration', traceparent: null };
const BY_ANN = { reason: 'the night is quiet', by: 'ann', traceparent: null };
const POOL = definePool({
  id: 'coders',
  phaseId: 'PHASE_IMPLEMENTATION',
  command: ['run'],
  desired: 4,
  min: 1,
  max: 8,
});

const test = useTestFleet({ threads: 'one', ticks: 'none' });
let machine: MemoryMachine;
let pools: Pools;

beforeEach(async () => {
  machine = new MemoryMachine();
  await serverStarts(POOL);
});
afterEach(() => pools.close());

/** A server with that configuration takes over from the one before. */
async function serverStarts(configured: PoolDefinition): Promise<void> {
  await pools?.close();
  pools = openTestPools(test, { machine });
  await pools.start();
  await pools.declare(configured, CONFIGURED);
}

const size = async (): Promise<number> => (await pools.get('coders')).definition.desired;

it.each<[string, number, Partial<PoolDefinition>, number]>([
  ['the same configuration', 2, {}, 2],
  ['as many as the configuration says', 4, {}, 4],
  ['other keys of the configuration', 2, { graceMs: 2000, env: { COLOUR: 'red' } }, 2],
  ['another size in the configuration', 2, { desired: 5 }, 5],
  ['bounds that it is beyond', 7, { max: 6 }, 6],
])('a size that a person has set, and a start with %s', async (_name, desired, change, expected) => {
  await pools.update('coders', { desired }, BY_ANN);
  await serverStarts({ ...POOL, ...change });
  expect(await size()).toBe(expected);
  await serverStarts({ ...POOL, ...change });
  expect(await size()).toBe(expected);
});

it('a size of the configuration that a person has changed is there again when it is named anew', async () => {
  await pools.update('coders', { desired: 2 }, BY_ANN);
  await serverStarts({ ...POOL, desired: 5 });
  await serverStarts(POOL);
  expect(await size()).toBe(4);
});

it('of a pool that somebody has made by hand the configuration sets the size', async () => {
  await pools.create({ ...POOL, id: 'testers' }, BY_ANN);
  await pools.declare({ ...POOL, id: 'testers', desired: 3 }, CONFIGURED);
  expect((await pools.get('testers')).definition.desired).toBe(3);
});

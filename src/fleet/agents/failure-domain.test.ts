import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { definePool } from '#telemetry';
import { generationOrder, registration, useTestFleet } from '../fleet.test-support.ts';
import { MemoryMachine } from '../runtimes/memory-runtime.test-support.ts';
import type { Pools } from '../pools/pools.ts';
import { openTestPools, untilTrue } from '../pools/pools.test-support.ts';
import { placementOf } from './failure-domain.ts';

const labelled = (managed: number, poolId: string | null, labels: Readonly<Record<string, string>>) => ({
  managed,
  pool_id: poolId,
  labels: JSON.stringify(labels),
});

describe('the failure domains of an agent', () => {
  it.each([
    ['that Omoi runs', labelled(1, 'demo', {}), ['pool:demo', 'host:here']],
    ['that Omoi runs elsewhere', labelled(1, 'demo', { host: 'web-1' }), ['pool:demo', 'host:web-1']],
    ['that is external', labelled(0, 'laptops', {}), ['external:laptops']],
    ['without a group', labelled(0, null, { host: 'web-1' }), ['external', 'host:web-1']],
    ['whose labels are empty', labelled(0, null, { host: '', provider: '' }), ['external']],
    [
      'that says all',
      labelled(0, 'laptops', { host: 'web-1', provider: 'acme' }),
      ['external:laptops', 'host:web-1', 'provider:acme'],
    ],
  ])('%s', (_who, row, domains) => {
    expect(placementOf(row, 'here').domains).toEqual(domains);
  });

  it('have no host where Omoi does not know its own', () => {
    expect(placementOf(labelled(1, 'demo', {}), null)).toMatchObject({ host: null, domains: ['pool:demo'] });
  });

  it('are told apart whatever their names contain', () => {
    const one = placementOf(labelled(0, 'a', { host: 'b","provider:c' }), null);
    const other = placementOf(labelled(0, 'a', { host: 'b', provider: 'c' }), null);
    expect(one.cellId).not.toBe(other.cellId);
  });
});

describe('agents are counted', () => {
  const test = useTestFleet({ threads: 'one' });
  let pools: Pools;
  beforeEach(async () => {
    pools = openTestPools(test, { machine: new MemoryMachine() });
    await pools.start();
  });
  afterEach(() => pools.close());

  const idleIn = (domain: string): number => test.fleet.agents.countOf('IDLE', domain);
  const cells = () =>
    [...test.fleet.agents.cells()].map(({ domains, counts }) => [domains.join(' '), counts.size]);

  it('in each of their domains, and in them alone after they have registered with others', async () => {
    const { agents } = test.fleet;
    const labels = { host: 'web-1', provider: 'acme' };
    await agents.register(registration('a', { poolId: 'laptops', labels }));
    await agents.register(registration('b', { poolId: 'laptops', labels: { provider: 'acme' } }));
    expect(['external:laptops', 'host:web-1', 'provider:acme'].map(idleIn)).toEqual([2, 1, 2]);
    const moved = {
      poolId: 'laptops',
      labels: { host: 'web-2' },
      nonce: 'another nonce',
      newGeneration: true,
    };
    await agents.register(registration('a', moved));
    expect(['host:web-1', 'host:web-2', 'provider:acme'].map(idleIn)).toEqual([0, 1, 1]);
    expect(cells()).toEqual([
      ['external:laptops provider:acme', 1],
      ['external:laptops host:web-2', 1],
    ]);
    expect([...agents.cellsOf('IDLE')]).toHaveLength(2);
    expect([...agents.cellsOf('UNRESPONSIVE')]).toEqual([]);
  });

  it('with the provider that their pool names, whatever they say themselves', async () => {
    const pool = definePool({ id: 'coders', command: ['run'], desired: 1, max: 1, provider: 'acme' });
    await pools.create(pool, { reason: 'test', by: 'tester', traceparent: null });
    await untilTrue(test.clock, () => test.fleet.agents.get('coders-1') !== undefined);
    expect(test.fleet.agents.get('coders-1')?.placement.domains).toEqual(['pool:coders', 'provider:acme']);
    const order = generationOrder('said-1', { nonce: 'a nonce of its own', poolId: 'coders' });
    await test.database.transaction((tx) =>
      test.fleet.generations.openGeneration(tx, { ...order, provider: 'acme' }),
    );
    const labels = { provider: 'other', host: 'web-1' };
    await test.fleet.agents.register(
      registration('said-1', { nonce: 'a nonce of its own', generation: 1, labels }),
    );
    expect(test.fleet.agents.get('said-1')?.placement.domains).toEqual([
      'pool:coders',
      'host:web-1',
      'provider:acme',
    ]);
    await test.database.transaction((tx) => test.fleet.generations.openGeneration(tx, order));
    expect(test.fleet.agents.get('said-1')?.placement.domains).toEqual(['pool:coders', 'host:web-1']);
  });
});

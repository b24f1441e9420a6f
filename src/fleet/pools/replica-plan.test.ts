import { describe, expect, it } from 'vitest';
import { definePool, type PoolDefinition } from '#telemetry';
import { assertPoolDefinition, effectiveCount, replicaOf } from './pool-definition.ts';
import type { UnitRow } from './unit-rows.ts';
import { newestOf, planReplicas } from './replica-plan.ts';
import { RUNNING_UNIT } from './unit-row.test-support.ts';

const replica = (number: number, change: Partial<UnitRow> = {}): UnitRow => ({
  ...RUNNING_UNIT,
  agent_id: `coders-${number}`,
  ...change,
});

describe('planReplicas', () => {
  it.each<{ name: string; effective: number; rows: UnitRow[]; open: number[]; retire: string[] }>([
    { name: 'an empty pool is filled', effective: 3, rows: [], open: [1, 2, 3], retire: [] },
    { name: 'a full one is left alone', effective: 2, rows: [replica(1), replica(2)], open: [], retire: [] },
    {
      name: 'what failed is not started again',
      effective: 2,
      rows: [replica(1), replica(2, { state: 'ended' })],
      open: [],
      retire: [],
    },
    {
      name: 'what a person stopped is not started again',
      effective: 1,
      rows: [replica(1, { state: 'ended', desired_state: 'stopped' })],
      open: [],
      retire: [],
    },
    {
      name: 'a retired replica is filled again',
      effective: 2,
      rows: [replica(1), replica(2, { state: 'ended', desired_state: 'retired' })],
      open: [2],
      retire: [],
    },
    {
      name: 'a retired one that still finishes its work is waited for',
      effective: 2,
      rows: [replica(1), replica(2, { state: 'running', desired_state: 'retired' })],
      open: [],
      retire: [],
    },
    {
      name: 'the highest replicas are retired first',
      effective: 1,
      rows: [replica(1), replica(2), replica(10)],
      open: [],
      retire: ['coders-10', 'coders-2'],
    },
    {
      name: 'a failed one beyond the count is retired',
      effective: 0,
      rows: [replica(1, { state: 'ended' })],
      open: [],
      retire: ['coders-1'],
    },
  ])('$name', ({ effective, rows, open, retire }) => {
    const plan = planReplicas('coders', effective, rows);
    expect(plan.open).toEqual(open);
    expect(plan.retire.map((row) => row.agent_id)).toEqual(retire);
  });

  it('judges the newest generation of a replica', () => {
    const rows = [replica(1, { generation: 1, state: 'ended' }), replica(1, { generation: 2 })];
    expect(newestOf(rows).map((row) => row.generation)).toEqual([2]);
  });
});

describe('effectiveCount', () => {
  it.each([
    [{ desired: 4, min: 1, max: 16 }, 0, 4],
    [{ desired: 4, min: 1, max: 16 }, 4, 8],
    [{ desired: 4, min: 1, max: 6 }, 4, 6],
    [{ desired: 4, min: 4, max: 16 }, -2, 4],
  ])('%j and %i added make %i', (pool, added, effective) => {
    expect(effectiveCount(pool, added)).toBe(effective);
  });
});

describe('replicaOf', () => {
  it.each([
    ['coders', 'coders-3', 3],
    ['coders', 'coders-0', null],
    ['coders', 'coders-x', null],
    ['coders', 'coders-03', null],
    ['coders', 'coders-3.0', null],
    ['coders', 'coders-1e3', null],
    ['coders', 'others-3', null],
  ])('%s, %s: %s', (poolId, agentId, expected) => {
    expect(replicaOf(poolId, agentId)).toBe(expected);
  });
});

describe('assertPoolDefinition', () => {
  const good = definePool({ id: 'coders', command: ['node'], desired: 1, max: 2 });
  it.each<[string, Partial<PoolDefinition>, string]>([
    ['no id', { id: '../up' }, 'invalid_request'],
    ['no runtime', { runtime: 'docker' }, 'invalid_request'],
    ['no command', { command: [] }, 'invalid_request'],
    ['desired above max', { desired: 3 }, 'pool_bounds'],
    ['desired below min', { min: 2 }, 'pool_bounds'],
    ['too many', { max: 100_000 }, 'pool_bounds'],
  ])('refuses %s', (_, change, code) => {
    expect(() => assertPoolDefinition({ ...good, ...change }, ['process'])).toThrow(
      expect.objectContaining({ code }),
    );
  });
  it('takes a good one', () => {
    expect(() => assertPoolDefinition(good, ['process'])).not.toThrow();
  });
});

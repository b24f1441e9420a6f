import { describe, expect, it } from 'vitest';
import { countAlive, groupFleet, groupWorstFirst, groupEnded } from './fleet-groups.ts';

const agent = (agent_id: string, pool_id: string | null, status = 'IDLE') => ({ agent_id, pool_id, status });

describe('groupFleet', () => {
  it('shows every pool with its agents in the order of their numbers, and the free ones last', () => {
    const groups = groupFleet(
      [{ pool_id: 'testers' }, { pool_id: 'coders' }],
      [
        agent('scout', null),
        agent('coders-10', 'coders'),
        agent('coders-2', 'coders'),
        agent('coders-3', 'coders', 'TERMINATED'),
        agent('ghost-1', 'removed-pool'),
      ],
    );
    expect(groups.map(({ poolId, agents }) => [poolId, agents.map((a) => a.agent_id)])).toEqual([
      ['coders', ['coders-2', 'coders-10']],
      ['removed-pool', ['ghost-1']],
      ['testers', []],
      [null, ['scout']],
    ]);
  });
});

describe('groupWorstFirst', () => {
  it('puts pools with somebody in trouble first, and in them the worst; of those without a pool it is the same', () => {
    const groups = groupWorstFirst(
      [{ pool_id: 'a' }, { pool_id: 'b-10' }, { pool_id: 'b-2' }],
      [
        { agent_id: 'a-1', pool_id: 'a', status: 'IDLE' },
        { agent_id: 'b-1', pool_id: 'b-10', status: 'RUNNING' },
        { agent_id: 'b-2', pool_id: 'b-10', status: 'FAILED' },
        { agent_id: 'free', pool_id: null, status: 'STALLED' },
      ],
    );
    expect(groups.map(({ poolId, agents }) => [poolId, agents.map((one) => one.agent_id)])).toEqual([
      ['b-10', ['b-2', 'b-1']],
      [null, ['free']],
      ['a', ['a-1']],
      ['b-2', []],
    ]);
  });
});

describe('countAlive', () => {
  it('counts neither who failed or hangs nor who is still being started', () => {
    const statuses = [
      'IDLE',
      'RUNNING',
      'DEGRADED',
      'FAILED',
      'STALLED',
      'UNRESPONSIVE',
      'QUARANTINED',
      'SPAWNING',
    ];
    expect(countAlive(statuses.map((status) => agent(status, 'coders', status)))).toBe(3);
  });
});

describe('groupEnded', () => {
  const agent = (id: string, poolId: string | null) => ({
    agent_id: id,
    pool_id: poolId,
    status: 'TERMINATED',
  });

  it('folds pools in which nobody is left and nobody should be, and tells them from those that go on', () => {
    const pools = [
      { pool_id: 'empty', effective: 0 },
      { pool_id: 'starting', effective: 2 },
      { pool_id: 'external', effective: 0 },
    ];
    const present = [{ pool_id: 'external' }, { pool_id: null }];
    const ended = [
      agent('laptop-10', 'laptops'),
      agent('laptop-2', 'laptops'),
      agent('starting-1', 'starting'),
      agent('external-1', 'external'),
      agent('alone', null),
    ];
    const { pools: folded, others } = groupEnded(pools, present, ended);
    expect(folded.map(({ poolId, agents }) => [poolId, ...agents.map(({ agent_id: id }) => id)])).toEqual([
      ['empty'],
      ['laptops', 'laptop-2', 'laptop-10'],
    ]);
    expect(others.map(({ agent_id: id }) => id)).toEqual(['alone', 'external-1', 'starting-1']);
  });
});

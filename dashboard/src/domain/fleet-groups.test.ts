import { describe, expect, it } from 'vitest';
import { countAlive, groupFleet } from './fleet-groups.ts';

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

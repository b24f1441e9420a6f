import type { SystemEvent } from '#api';
import { describe, expect, it } from 'vitest';
import {
  applyStatusChanges,
  filterFleet,
  readFleetSearch,
  worstFirst,
  type FleetAgent,
  type FleetFilter,
} from './whole-fleet.ts';

const agent = (
  agent_id: string,
  status: FleetAgent['status'],
  more: Partial<FleetAgent> = {},
): FleetAgent => ({
  agent_id,
  status,
  pool_id: null,
  status_reason: 'registered',
  labels: {},
  working_on: null,
  agent_type: 'worker',
  ...more,
});

const idsOf = (agents: readonly { readonly agent_id: string }[]) => agents.map(({ agent_id: id }) => id);

describe('worstFirst', () => {
  it('puts the worst first, then names as people count', () => {
    const agents = [
      agent('w-10', 'IDLE'),
      agent('w-2', 'IDLE'),
      agent('w-3', 'DEGRADED'),
      agent('w-11', 'UNRESPONSIVE'),
      agent('w-1', 'RUNNING'),
    ];
    expect(idsOf(worstFirst(agents))).toEqual(['w-11', 'w-3', 'w-1', 'w-2', 'w-10']);
  });
});

describe('filterFleet', () => {
  const agents = [
    agent('mail-1', 'RUNNING', { pool_id: 'mail', working_on: 'send', labels: { host: 'web-1' } }),
    agent('mail-2', 'FAILED', { pool_id: 'mail', status_reason: 'oom_killed' }),
    agent('code-1', 'IDLE', { pool_id: 'code' }),
    agent('code-2', 'TERMINATED', { pool_id: 'code' }),
  ];
  it.each<[Partial<FleetFilter>, readonly string[]]>([
    [{}, ['mail-1', 'mail-2', 'code-1']],
    [{ show: 'sick' }, ['mail-2']],
    [{ show: 'working' }, ['mail-1']],
    [{ pool: 'code' }, ['code-1']],
    [{ find: 'HOST=web' }, ['mail-1']],
    [{ find: 'mail oom' }, ['mail-2']],
    [{ find: ' ' }, ['mail-1', 'mail-2', 'code-1']],
  ])('%j finds %j', (filter, ids) =>
    expect(idsOf(filterFleet(agents, { show: 'all', ...filter }))).toEqual(ids),
  );
});

describe('readFleetSearch', () => {
  it.each([
    [{}, {}],
    [
      { find: 'mail', show: 'sick' },
      { find: 'mail', show: 'sick' },
    ],
    [{ find: 7, show: 'nonsense' }, {}],
    [{ show: 'all' }, {}],
  ])('reads %j', (search, read) => expect(readFleetSearch(search)).toEqual(read));
});

describe('applyStatusChanges', () => {
  const row = (id: string) => ({
    agent_id: id,
    status: 'IDLE' as FleetAgent['status'],
    status_reason: 'registered',
    status_since: '2026-01-01T00:00:00.000Z',
    generation: 1,
  });
  const changed = (agent_id: string, to: string): SystemEvent => ({
    id: 1,
    event_type: 'fleet.agent.status_changed',
    entity_type: 'agent',
    entity_id: agent_id,
    at: '2026-01-01T00:01:00.000Z',
    traceparent: null,
    payload: {
      agent_id,
      agent_type: 'worker',
      pool_id: null,
      generation: 2,
      from: 'IDLE',
      to,
      reason: 'exited',
    },
  });

  it('shows what events tell, the last word of each agent', () => {
    const agents = applyStatusChanges(
      [row('a'), row('b')],
      [changed('b', 'FAILED'), changed('b', 'SPAWNING')],
    );
    expect(agents[0]).toEqual(row('a'));
    expect(agents[1]).toMatchObject({ status: 'SPAWNING', status_reason: 'exited', generation: 2 });
  });

  it('is the same list where nothing of it changes', () => {
    const agents = [row('a')];
    expect(applyStatusChanges(agents, [changed('unknown', 'FAILED')])).toBe(agents);
    expect(applyStatusChanges(agents, [])).toBe(agents);
  });
});

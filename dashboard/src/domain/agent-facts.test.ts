import { expect, it } from 'vitest';
import type { Agent } from '../api/wire.ts';
import { factsOf } from './agent-facts.ts';

const agent = {
  agent_id: 'demo-1',
  agent_type: 'worker',
  managed: true,
  pool_id: 'demo',
  phase_id: 'PHASE_IMPLEMENTATION',
  status: 'RUNNING',
  heartbeat_age_ms: null,
  heartbeat_interval_ms: 500,
  heartbeat_ttl_ms: 1750,
  tasks_held: 1,
  in_flight: 1,
  labels: {},
} as unknown as Agent;

it('tells of heartbeats only where an agent lives', () => {
  expect(factsOf(agent).slice(3)).toEqual([
    ['Last beat', 'none yet'],
    ['Beats', 'every 500ms, unresponsive after 1.75s'],
    ['Work', '1 task held; 1 in flight at the last beat'],
  ]);
  const failed = { ...agent, status: 'FAILED', tasks_held: 0 } as const;
  expect(factsOf(failed).slice(3)).toEqual([['Work', '0 tasks held']]);
});

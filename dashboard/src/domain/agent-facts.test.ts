import { expect, it } from 'vitest';
import type { Agent } from '../api/wire.ts';
import { beatText, factsOf } from './agent-facts.ts';

const agent = {
  agent_id: 'demo-1',
  agent_type: 'worker',
  managed: true,
  pool_id: 'demo',
  phase_id: 'PHASE_IMPLEMENTATION',
  status: 'RUNNING',
  last_heartbeat_at: null,
  heartbeat_age_ms: null,
  heartbeat_interval_ms: 500,
  heartbeat_ttl_ms: 1750,
  tasks_held: 1,
  in_flight: 1,
  labels: {},
} as unknown as Agent;

it('tells of heartbeats only where an agent lives', () => {
  const nowMs = Date.parse('2026-11-30T12:00:00.000Z');
  expect(factsOf(agent, nowMs).slice(3)).toEqual([
    ['Last beat', 'none yet'],
    ['Beats', 'every 500ms, unresponsive after 1.75s'],
    ['Work', '1 task held; 1 in flight at the last beat'],
  ]);
  const failed = { ...agent, status: 'FAILED', tasks_held: 0 } as const;
  expect(factsOf(failed, nowMs).slice(3)).toEqual([['Work', '0 tasks held']]);
  const heard = ['Last beat', expect.stringMatching(/^last heard \d\d:\d\d:\d\d$/)];
  const last_heartbeat_at = '2026-11-30T11:00:00.000Z';
  expect(factsOf({ ...failed, last_heartbeat_at }, nowMs)[3]).toEqual(heard);
  const silent = {
    ...agent,
    status: 'UNRESPONSIVE',
    heartbeat_age_ms: 3_600_000,
    last_heartbeat_at,
  } as const;
  expect(factsOf(silent, nowMs)[3]).toEqual(heard);
});

it.each([
  ['RUNNING', { heartbeat_age_ms: 900 }, 'beat now'],
  ['RUNNING', { heartbeat_age_ms: 12_000 }, 'beat 12s ago'],
  ['DEGRADED', { heartbeat_age_ms: 12_000, heartbeats_missed: 2 }, '2 missed'],
  // How many it owes grows without end.
  ['UNRESPONSIVE', { heartbeat_age_ms: 3_600_000, heartbeats_missed: 3_600 }, 'heard 1h ago'],
  ['UNRESPONSIVE', { heartbeats_missed: 4 }, 'no beat yet'],
  ['FAILED', { heartbeat_age_ms: 12_000 }, 'ended'],
  ['TERMINATED', {}, 'stopped by a person'],
] as const)('says in short of one that is %s, %j: %s', (status, known, text) => {
  const calm = { status_reason: 'stopped_by_a_person', heartbeat_age_ms: null, heartbeats_missed: 0 };
  expect(beatText({ ...calm, status, ...known })).toBe(text);
});

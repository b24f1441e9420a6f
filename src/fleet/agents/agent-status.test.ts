import { AGENT_STATUSES, type AgentStatus } from '#telemetry';
import { expect, test } from 'vitest';
import { claimObstacle, decideTransition, hasEnded } from './agent-status.ts';

test.each<[AgentStatus, AgentStatus, string]>([
  ['SPAWNING', 'IDLE', 'allowed'],
  ['SPAWNING', 'SPAWNING', 'already_there'],
  ['SPAWNING', 'DEGRADED', 'not_from_here'],
  ['IDLE', 'IDLE', 'already_there'],
  ['IDLE', 'UNRESPONSIVE', 'allowed'],
  ['UNRESPONSIVE', 'DEGRADED', 'allowed'],
  ['UNRESPONSIVE', 'STALLED', 'allowed'],
  ['SPAWNING', 'STALLED', 'allowed'],
  ['STALLED', 'IDLE', 'allowed'],
  ['STALLED', 'SPAWNING', 'allowed'],
  ['QUARANTINED', 'STALLED', 'quarantined'],
  ['FAILED', 'STALLED', 'agent_ended'],
  ['UNRESPONSIVE', 'SPAWNING', 'allowed'],
  ['QUARANTINED', 'SPAWNING', 'quarantined'],
  ['QUARANTINED', 'UNRESPONSIVE', 'quarantined'],
  ['QUARANTINED', 'IDLE', 'allowed'],
  ['FAILED', 'UNRESPONSIVE', 'agent_ended'],
  ['FAILED', 'SPAWNING', 'allowed'],
  ['TERMINATED', 'FAILED', 'agent_ended'],
  ['TERMINATED', 'QUARANTINED', 'agent_ended'],
])('from %s to %s: %s', (from, to, expected) => {
  const decision = decideTransition(from, to);
  expect('allowed' in decision ? 'allowed' : decision.refused).toBe(expected);
});

test('every status can be left, and every status but the last two can end', () => {
  for (const from of AGENT_STATUSES) {
    expect(AGENT_STATUSES.some((to) => to !== from && 'allowed' in decideTransition(from, to))).toBe(true);
    if (!hasEnded(from)) expect(decideTransition(from, 'TERMINATED')).toEqual({ allowed: true });
  }
});

test('only who is registered, trusted and alive is given work', () => {
  expect(AGENT_STATUSES.filter((status) => claimObstacle(status) === null)).toEqual([
    'IDLE',
    'RUNNING',
    'DEGRADED',
    'STALLED',
    'UNRESPONSIVE',
  ]);
});

import { expect, it } from 'vitest';
import { evidenceOf, type KnownAgent } from './agent-evidence.ts';

/** Of an agent what its activity rests on; the rest of it says nothing here. */
function activityOf(status: string, reason: string, live: object): readonly string[] {
  const agent = {
    row: { agent_id: 'w-1', managed: 1, status_reason: reason },
    live: { status, evidence: null, heartbeatsMissed: 0, heartbeatAgeMs: 500, ...live },
    pace: { intervalMs: 500, ttlMs: 1750 },
    generations: [],
    replica: null,
    held: [],
    domains: [],
  } as unknown as KnownAgent;
  return evidenceOf(agent, 0).flatMap(({ kind, text }) => (kind === 'activity' ? [text] : []));
}

const STOPPED = 'its process is stopped (state T)';

it.each<[string, readonly string[], ...Parameters<typeof activityOf>]>([
  ['is what its processes show', [STOPPED], 'STALLED', 'stopped', { evidence: 'stopped' }],
  [
    'is what it was judged by, where Omoi looks anew after a stall of its own',
    [STOPPED],
    'STALLED',
    'stopped',
    {},
  ],
  ['is not told where nothing is wrong', [], 'IDLE', 'registered', {}],
  ['is not told by a reason that is none', [], 'STALLED', 'of an older version', {}],
])('what an agent does %s', (_, told, status, reason, live) => {
  expect(activityOf(status, reason, live)).toEqual(told);
});

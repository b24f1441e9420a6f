import type { Agent } from '../api/wire.ts';
import { formatDuration } from './age.ts';
import { lastHeardOf } from './agent-charts.ts';
import { count } from './count.ts';
import { words } from './event-sentence.ts';
import { phaseName } from './queue-history.ts';

type Fact = readonly [name: string, value: string];

/** What an agent is and does, in the order in which it is read. Of one that has ended no heartbeats are told but the last. */
export function factsOf(agent: Agent, nowMs: number): readonly Fact[] {
  const labels = Object.entries(agent.labels).map(([name, value]) => `${name}=${value}`);
  return [
    ['Type', agent.managed ? `${agent.agent_type}, started by Omoi` : `${agent.agent_type}, external`],
    ['Pool', agent.pool_id ?? 'none'],
    ['Phase', agent.phase_id === null ? 'any' : phaseName(agent.phase_id)],
    ...(agent.status === 'FAILED' || agent.status === 'TERMINATED'
      ? endOf(agent, nowMs)
      : lifeOf(agent, nowMs)),
    ...(labels.length > 0 ? [['Labels', labels.join(', ')] as const] : []),
  ];
}

function endOf(agent: Agent, nowMs: number): readonly Fact[] {
  const heard = lastHeardOf(agent, nowMs);
  return [...(heard === null ? [] : [['Last beat', heard] as const]), ...workOf(agent)];
}

function lifeOf(agent: Agent, nowMs: number): readonly Fact[] {
  const { heartbeat_age_ms: ageMs, heartbeat_interval_ms: intervalMs, heartbeat_ttl_ms: ttlMs } = agent;
  return [
    [
      'Last beat',
      lastHeardOf(agent, nowMs) ?? (ageMs === null ? 'none yet' : `${formatDuration(ageMs)} ago`),
    ],
    ['Beats', `every ${formatDuration(intervalMs)}, unresponsive after ${formatDuration(ttlMs)}`],
    ...workOf(agent, `; ${agent.in_flight} in flight at the last beat`),
  ];
}

function workOf({ tasks_held: held }: Agent, besides = ''): readonly Fact[] {
  return [['Work', `${count(held, 'task')} held${besides}`]];
}

/** Its last sign of life in a word or two. Under two seconds the age would only flicker. */
export function beatText({
  status,
  status_reason: reason,
  heartbeat_age_ms: ageMs,
  heartbeats_missed: missed,
}: Pick<Agent, 'status' | 'status_reason' | 'heartbeat_age_ms' | 'heartbeats_missed'>): string {
  if (status === 'TERMINATED') return words(reason);
  if (status === 'FAILED') return 'ended';
  if (ageMs === null) return 'no beat yet';
  // How many beats it owes grows without end, and says nothing more.
  if (status === 'UNRESPONSIVE') return `heard ${formatDuration(ageMs)} ago`;
  if (missed > 0) return `${missed} missed`;
  return ageMs < 2_000 ? 'beat now' : `beat ${formatDuration(ageMs)} ago`;
}

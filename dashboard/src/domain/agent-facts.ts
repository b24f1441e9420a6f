import type { Agent } from '../api/wire.ts';
import { formatDuration } from './age.ts';
import { count } from './event-sentence.ts';
import { phaseName } from './queue-history.ts';

type Fact = readonly [name: string, value: string];

/** What an agent is and does, in the order in which it is read. Of one that has ended no heartbeats are told. */
export function factsOf(agent: Agent): readonly Fact[] {
  const labels = Object.entries(agent.labels).map(([name, value]) => `${name}=${value}`);
  return [
    ['Type', agent.managed ? `${agent.agent_type}, started by Omoi` : `${agent.agent_type}, external`],
    ['Pool', agent.pool_id ?? 'none'],
    ['Phase', agent.phase_id === null ? 'any' : phaseName(agent.phase_id)],
    ...(agent.status === 'FAILED' || agent.status === 'TERMINATED' ? workOf(agent) : lifeOf(agent)),
    ...(labels.length > 0 ? [['Labels', labels.join(', ')] as const] : []),
  ];
}

function lifeOf(agent: Agent): readonly Fact[] {
  const { heartbeat_age_ms: ageMs, heartbeat_interval_ms: intervalMs, heartbeat_ttl_ms: ttlMs } = agent;
  return [
    ['Last beat', ageMs === null ? 'none yet' : `${formatDuration(ageMs)} ago`],
    ['Beats', `every ${formatDuration(intervalMs)}, unresponsive after ${formatDuration(ttlMs)}`],
    ...workOf(agent, `; ${agent.in_flight} in flight at the last beat`),
  ];
}

function workOf({ tasks_held: held }: Agent, besides = ''): readonly Fact[] {
  return [['Work', `${count(held, 'task')} held${besides}`]];
}

import type { SystemEvent } from '#api';
import type { Agent } from '../api/wire.ts';

/** As far as it matters where an agent stands among others, and whether it is looked for. */
export type FleetAgent = Pick<
  Agent,
  'agent_id' | 'pool_id' | 'status' | 'status_reason' | 'labels' | 'working_on' | 'agent_type'
>;

/** From the worst to the best; what is not named comes last. */
const WORST_FIRST: readonly string[] = [
  'UNRESPONSIVE',
  'STALLED',
  'FAILED',
  'DEGRADED',
  'QUARANTINED',
  'SPAWNING',
];

/** Whether an agent wants to be looked at. */
export function isSick({ status }: Pick<FleetAgent, 'status'>): boolean {
  return status !== 'SPAWNING' && WORST_FIRST.includes(status);
}

function rankOf(status: string): number {
  const rank = WORST_FIRST.indexOf(status);
  return rank === -1 ? WORST_FIRST.length : rank;
}

/** Numbers in names count as numbers: `coders-2` before `coders-10`. A collator would take ten times as long. */
export function naturalKey(id: string): string {
  return id.replace(/\d+/g, (digits) => digits.padStart(12, '0'));
}

const keys = new Map<string, string>();
/** Far more than a fleet has agents: who comes and goes for months is forgotten. */
const maxKnownKeys = 100_000;

function keyOf(id: string): string {
  let key = keys.get(id);
  if (key === undefined) {
    if (keys.size >= maxKnownKeys) keys.clear();
    key = naturalKey(id);
    keys.set(id, key);
  }
  return key;
}

/** The worst first; among equals by name. */
export function worstFirst<Row extends Pick<FleetAgent, 'agent_id' | 'status'>>(
  agents: readonly Row[],
): readonly Row[] {
  const ranked = agents.map((agent) => ({ agent, rank: rankOf(agent.status), key: keyOf(agent.agent_id) }));
  ranked.sort((a, b) => a.rank - b.rank || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return ranked.map(({ agent }) => agent);
}

/** Which agents are shown. */
export interface FleetFilter {
  /** What their names, pools, labels, reasons or work have in them; every word has to be there. */
  readonly find?: string;
  readonly show: FleetChoice;
  readonly pool?: string;
}

export const FLEET_CHOICES = ['all', 'sick', 'working', 'idle'] as const;
export type FleetChoice = (typeof FLEET_CHOICES)[number];

const SHOWN: Readonly<Record<FleetChoice, (agent: FleetAgent) => boolean>> = {
  all: ({ status }) => status !== 'TERMINATED',
  sick: isSick,
  working: ({ status }) => status === 'RUNNING',
  idle: ({ status }) => status === 'IDLE',
};

export function filterFleet<Row extends FleetAgent>(
  agents: readonly Row[],
  filter: FleetFilter,
): readonly Row[] {
  const words = (filter.find ?? '')
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const isShown = SHOWN[filter.show];
  return agents.filter(
    (agent) =>
      isShown(agent) &&
      (filter.pool === undefined || agent.pool_id === filter.pool) &&
      (words.length === 0 || hasAll(agent, words)),
  );
}

function hasAll(agent: FleetAgent, words: readonly string[]): boolean {
  const {
    agent_id: id,
    pool_id: pool,
    status,
    status_reason: reason,
    working_on: work,
    agent_type: type,
  } = agent;
  const labels = Object.entries(agent.labels).map(([name, value]) => `${name}=${value}`);
  const text = [id, pool, status, reason, work, type, ...labels].join('\n').toLowerCase();
  return words.every((word) => text.includes(word));
}

/** What the address says of the fleet beside the pool; what it does not say is every agent. */
export interface FleetSearch {
  readonly find?: string | undefined;
  readonly show?: FleetChoice | undefined;
}

/** Reads an address; what it does not understand is left out. */
export function readFleetSearch({ find, show }: Record<string, unknown>): FleetSearch {
  const choice = FLEET_CHOICES.find((one) => one === show);
  return {
    ...(typeof find === 'string' && find !== '' ? { find: find.slice(0, 200) } : {}),
    ...(choice !== undefined && choice !== 'all' ? { show: choice } : {}),
  };
}

/**
 * Agents as events say that they have become. Who is not known yet comes with the next reading; the same list where nothing
 * changes.
 */
export function applyStatusChanges<
  Row extends Pick<Agent, 'agent_id' | 'status' | 'status_reason' | 'status_since' | 'generation'>,
>(agents: readonly Row[], events: readonly SystemEvent[]): readonly Row[] {
  const changes = new Map<string, Partial<Row>>();
  for (const event of events) {
    if (event.event_type !== 'fleet.agent.status_changed') continue;
    const { agent_id: id, to, reason, generation } = event.payload;
    changes.set(id, {
      status: to,
      status_reason: reason,
      status_since: event.at,
      generation,
    } as Partial<Row>);
  }
  if (changes.size === 0 || !agents.some(({ agent_id: id }) => changes.has(id))) return agents;
  return agents.map((agent) => {
    const change = changes.get(agent.agent_id);
    return change === undefined ? agent : { ...agent, ...change };
  });
}

import { setTimeout as delay } from 'node:timers/promises';
import { OmoiError } from '#telemetry';
import { z } from 'zod';
import { followEvents } from '../event-feed.ts';
import { clientForNamed } from '../named-client.ts';
import { tellsOf } from '../follow-rows.ts';
import { behindLast, readPages } from '../read-pages.ts';
import {
  clientOf,
  serverOf,
  type FollowFlags,
  type ServerClient,
  type ServerFlags,
} from '../server-client.ts';
import { ageOf } from '../terminal/ages.ts';
import { colourOfState } from '../terminal/colours.ts';
import { tableFor } from '../terminal/print.ts';
import type { Column } from '../terminal/table.ts';
import { fieldsOf, giveOrders, readIfThere } from './orders.ts';
import { showList, showWhole } from './shown.ts';

const PATH = '/api/v1/fleet/agents';
const PAGE_ROWS = 1000;

const agent = z.looseObject({
  agent_id: z.string(),
  agent_type: z.string(),
  pool_id: z.string().nullable(),
  phase_id: z.string().nullable(),
  managed: z.boolean(),
  status: z.string(),
  status_reason: z.string(),
  status_since: z.string(),
  generation: z.number(),
  last_heartbeat_at: z.string().nullable(),
  heartbeat_age_ms: z.number().nullable(),
  tasks_held: z.number(),
  working_on: z.string().nullable(),
});
type Agent = z.output<typeof agent>;

const details = agent.extend({
  labels: z.record(z.string(), z.string()),
  generations: z.array(
    z.looseObject({
      generation: z.number(),
      state: z.string(),
      reason: z.string(),
      requested_by: z.string(),
      opened_at: z.string(),
      ended_at: z.string().nullable(),
      exit_code: z.number().nullable(),
      exit_signal: z.string().nullable(),
    }),
  ),
});
type Details = z.output<typeof details>;

const COLUMNS: readonly Column<Agent>[] = [
  { heading: 'AGENT', of: (row) => row.agent_id },
  { heading: 'STATUS', of: (row) => row.status, colourOf: (row) => colourOfState(row.status) },
  { heading: 'SINCE', of: (row) => ageOf(row.status_since), align: 'right' },
  { heading: 'POOL', of: (row) => row.pool_id ?? '-' },
  { heading: 'GEN', of: (row) => String(row.generation), align: 'right' },
  { heading: 'TASKS', of: (row) => String(row.tasks_held), align: 'right' },
  { heading: 'WHY', of: (row) => row.status_reason, mayShrink: true },
];

export interface AgentListFlags extends FollowFlags {
  readonly pool?: string;
  readonly status?: string;
  readonly all?: boolean;
  readonly limit: number;
}

/** `omoi agents list` */
export async function listAgents(flags: AgentListFlags): Promise<void> {
  const server = serverOf(flags);
  const client = clientOf(server);
  await showList(server, flags, {
    key: 'agents',
    columns: COLUMNS,
    readAll: () => readAgents(client, flags),
    empty: noneListed(flags),
    more: `there are more than ${flags.limit} agents: --limit shows them, --pool or --status fewer`,
    follow: {
      types: ['fleet.agent'],
      idOf: (event) => (event.entity_type === 'agent' ? event.entity_id : null),
      async read(id) {
        const answer = await readIfThere(client, pathOf(id));
        const row = answer === null ? null : agent.parse(answer);
        const isMeant =
          row && (flags.pool ?? row.pool_id) === row.pool_id && (flags.status ?? row.status) === row.status;
        return isMeant ? row : null;
      },
    },
  });
}

/** What is said where the list is empty, and how one comes into it. */
export function noneListed({ pool, status, all }: Pick<AgentListFlags, 'pool' | 'status' | 'all'>): string {
  if (status !== undefined) return `no agent${pool === undefined ? '' : ` of pool ${pool}`} is ${status}`;
  const which = all === true ? 'is known' : 'is there';
  if (pool !== undefined) return `no agent of pool ${pool} ${which}; omoi pools list has the pools`;
  return `no agent ${which} yet; omoi run --pool mine -- COMMAND makes any program one, pools in the configuration start others`;
}

function readAgents(client: ServerClient, { pool, status, all, limit }: AgentListFlags) {
  const present = all === true || status !== undefined ? undefined : 'true';
  const pages = {
    path: PATH,
    query: { pool_id: pool, status, present },
    maxRows: PAGE_ROWS,
    read(answer: unknown, asked: number) {
      const { agents: rows } = z.object({ agents: z.array(agent) }).parse(answer);
      return { rows, next: behindLast({ rows, asked }, 'after', (row) => row.agent_id) };
    },
  };
  return readPages(client, pages, limit);
}

/** `omoi agents show` */
export async function showAgent(agentId: string, flags: FollowFlags): Promise<void> {
  const client = clientForNamed(serverOf(flags));
  await showWhole(flags, {
    ask: () => client.call('GET', pathOf(agentId)),
    linesOf(answer) {
      const shown = details.parse(answer);
      const generations = tableFor(GENERATION_COLUMNS).linesOf(shown.generations);
      return [...fieldsOf(fieldsOfAgent(shown)), '', ...generations];
    },
    types: ['fleet.agent'],
    isMeant: tellsOf(agentId),
  });
}

function fieldsOfAgent(row: Details): readonly (readonly [string, string | null])[] {
  const labels = Object.entries(row.labels).map(([name, value]) => `${name}=${value}`);
  return [
    ['agent', row.agent_id],
    ['status', `${row.status} for ${ageOf(row.status_since)}: ${row.status_reason}`],
    ['type', `${row.agent_type}, ${row.managed ? 'started by Omoi' : 'external'}`],
    ['pool', row.pool_id],
    ['phase', row.phase_id],
    ['generation', String(row.generation)],
    ['heartbeat', row.last_heartbeat_at === null ? null : `${ageOf(row.last_heartbeat_at)} ago`],
    ['tasks', row.working_on === null ? String(row.tasks_held) : `${row.tasks_held}, at ${row.working_on}`],
    ['labels', labels.join(' ')],
  ];
}

const GENERATION_COLUMNS: readonly Column<Details['generations'][number]>[] = [
  { heading: 'GEN', of: (row) => String(row.generation), align: 'right' },
  { heading: 'STATE', of: (row) => row.state },
  { heading: 'OPENED', of: (row) => row.opened_at },
  { heading: 'ENDED', of: (row) => row.ended_at ?? '-' },
  { heading: 'EXIT', of: (row) => row.exit_signal ?? (row.exit_code === null ? '-' : String(row.exit_code)) },
  { heading: 'BY', of: (row) => row.requested_by, mayShrink: true },
  { heading: 'REASON', of: (row) => row.reason, mayShrink: true },
];

export interface RestartFlags extends ServerFlags {
  readonly reason: string;
  readonly generation?: number;
  readonly wait?: boolean;
}

const restarted = z.object({ generation: z.number(), opened: z.boolean() });

/** `omoi agents restart`. @returns the exit status */
export async function restartAgents(ids: readonly string[], flags: RestartFlags): Promise<number> {
  const client = clientForNamed(serverOf(flags));
  const { reason, generation } = flags;
  const body = { reason, ...(generation !== undefined && { expected_generation: generation }) };
  return giveOrders({
    ids,
    json: flags.json === true,
    async send(id) {
      const answer = await client.call('POST', `${pathOf(id)}/restart`, body);
      if (flags.wait === true) await registered(id, restarted.parse(answer).generation, flags);
      return answer;
    },
    told(id, answer) {
      const { generation: now, opened } = restarted.parse(answer);
      if (flags.wait === true) return `${id}: generation ${now} is up`;
      return opened
        ? `${id}: generation ${now} starts when the one before has ended`
        : `${id}: generation ${now} is under way already`;
    },
  });
}

/** A person waits no longer without a word. */
const MAX_WAIT_MS = 120_000;

/** Waits until a generation has registered, told by the server's events. @throws Error when the time is over */
async function registered(agentId: string, generation: number, flags: RestartFlags): Promise<void> {
  const server = serverOf(flags);
  const client = clientOf(server);
  const isUp = async (): Promise<boolean> => {
    const { generations } = details.parse(await client.call('GET', pathOf(agentId)));
    return generations.some((one) => one.generation >= generation && one.state === 'registered');
  };
  const ending = new AbortController();
  const timer = delay(MAX_WAIT_MS, null, { signal: ending.signal, ref: false }).then(
    () => ending.abort(),
    () => {},
  );
  try {
    const feed = { types: ['fleet.agent'], signal: ending.signal, onConnection: () => {} };
    for await (const message of followEvents(server, feed)) {
      if (message.kind === 'event' && message.event.entity_id !== agentId) continue;
      if (await isUp()) return;
    }
  } finally {
    ending.abort();
    await timer;
  }
  throw new Error(
    `${agentId}: generation ${generation} has not registered within ${MAX_WAIT_MS / 1000} s (omoi why ${agentId})`,
  );
}

export interface AgentOrderFlags extends ServerFlags {
  readonly reason: string;
}

/** `omoi agents stop`, `quarantine` and `release`. @returns the exit status */
export async function orderAgents(
  order: 'stop' | 'quarantine' | 'release',
  ids: readonly string[],
  flags: AgentOrderFlags,
): Promise<number> {
  const client = clientForNamed(serverOf(flags));
  return giveOrders({
    ids,
    json: flags.json === true,
    send: (id) => client.call('POST', `${pathOf(id)}/${order}`, { reason: flags.reason }),
    told: (id) => `${id} ${TOLD[order]}`,
  });
}

const TOLD = {
  stop: 'finishes its work and ends, and stays away until somebody restarts it',
  quarantine: 'gets no more work until somebody releases it',
  release: 'gets work again',
} as const;

/** `omoi agents drain`: one that Omoi starts is stopped, an external one asked to leave. @returns the exit status */
export async function drainAgents(ids: readonly string[], flags: AgentOrderFlags): Promise<number> {
  const client = clientForNamed(serverOf(flags));
  return giveOrders({
    ids,
    json: flags.json === true,
    async send(id) {
      try {
        return await client.call('POST', `${pathOf(id)}/drain`, { reason: flags.reason });
      } catch (thrown) {
        if (!(thrown instanceof OmoiError) || thrown.code !== 'agent_is_managed') throw thrown;
        return client.call('POST', `${pathOf(id)}/stop`, { reason: flags.reason });
      }
    },
    told: (id) => `${id} takes no more work, and leaves when it has finished what it has`,
  });
}

/** `omoi agents forget`. @returns the exit status */
export async function forgetAgents(ids: readonly string[], flags: ServerFlags): Promise<number> {
  const client = clientForNamed(serverOf(flags));
  return giveOrders({
    ids,
    json: flags.json === true,
    send: (id) => client.call('DELETE', pathOf(id)),
    told: (id) => `${id} is forgotten: it has left the fleet, whatever its process does`,
  });
}

function pathOf(agentId: string): string {
  return `${PATH}/${encodeURIComponent(agentId)}`;
}

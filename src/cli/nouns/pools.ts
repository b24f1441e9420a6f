import { OmoiError, parseDuration } from '#telemetry';
import { z } from 'zod';
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
import { printJson, printLines, tableFor } from '../terminal/print.ts';
import type { Column } from '../terminal/table.ts';
import { fieldsOf, readIfThere } from './orders.ts';
import { showList, showWhole } from './shown.ts';

const PATH = '/api/v1/fleet/pools';
const PAGE_ROWS = 1000;

const pool = z.looseObject({
  pool_id: z.string(),
  state: z.string(),
  command: z.array(z.string()),
  desired: z.number(),
  min: z.number(),
  max: z.number(),
  effective: z.number(),
  last_error: z.string().nullable(),
  not_started: z.array(z.object({ agent_id: z.string(), reason: z.string() })),
  roll: z.object({ stopped: z.boolean(), reason: z.string(), remaining: z.number() }).nullable(),
  scale_overrides: z.array(
    z.object({ add: z.number(), holder: z.string(), reason: z.string(), expires_at: z.string() }),
  ),
  replicas: z.array(
    z.object({
      agent_id: z.string(),
      generation: z.number(),
      unit: z.string(),
      desired_state: z.string(),
      pid: z.number().nullable(),
      host: z.string().nullable(),
      started_at: z.string().nullable(),
    }),
  ),
});
type Pool = z.output<typeof pool>;

const COLUMNS: readonly Column<Pool>[] = [
  { heading: 'POOL', of: (row) => row.pool_id },
  { heading: 'STATE', of: (row) => row.state, colourOf: (row) => colourOfState(row.state) },
  { heading: 'RUN', of: (row) => String(runningIn(row)), align: 'right' },
  { heading: 'WANT', of: (row) => String(row.effective), align: 'right' },
  { heading: 'MIN', of: (row) => String(row.min), align: 'right' },
  { heading: 'MAX', of: (row) => String(row.max), align: 'right' },
  { heading: 'NOTE', of: noteOn, mayShrink: true },
];

function runningIn({ replicas }: Pool): number {
  return replicas.filter(({ unit }) => unit === 'running').length;
}

function noteOn({ last_error: error, roll, not_started: empty, scale_overrides: overrides }: Pool): string {
  const notes = [
    ...(error === null ? [] : [error]),
    ...(roll
      ? [`${roll.stopped ? 'stopped rolling' : 'rolls'}, ${roll.remaining} to go: ${roll.reason}`]
      : []),
    ...empty.map(({ agent_id: id, reason }) => `${id}: ${reason}`),
    ...overrides.map(({ add, reason, expires_at: until }) => `+${add} until ${until}: ${reason}`),
  ];
  return notes.join('; ');
}

export interface PoolListFlags extends FollowFlags {
  readonly limit: number;
}

/** `omoi pools list` */
export async function listPools(flags: PoolListFlags): Promise<void> {
  const server = serverOf(flags);
  const client = clientOf(server);
  await showList(server, flags, {
    key: 'pools',
    columns: COLUMNS,
    readAll: () => readPools(client, flags.limit),
    more: `there are more than ${flags.limit} pools: --limit shows them`,
    follow: {
      types: ['fleet.pool', 'fleet.agent.spawned', 'fleet.agent.exited'],
      idOf: poolOf,
      async read(id) {
        const answer = await readIfThere(client, pathOf(id));
        return answer === null ? null : pool.parse(answer);
      },
    },
  });
}

function poolOf({ payload }: { readonly payload: object }): string | null {
  const said = z.object({ pool_id: z.string() }).safeParse(payload);
  return said.success ? said.data.pool_id : null;
}

function readPools(client: ServerClient, limit: number) {
  const pages = {
    path: PATH,
    query: {},
    maxRows: PAGE_ROWS,
    read(answer: unknown, asked: number) {
      const { pools: rows } = z.object({ pools: z.array(pool) }).parse(answer);
      return { rows, next: behindLast({ rows, asked }, 'after', (row) => row.pool_id) };
    },
  };
  return readPages(client, pages, limit);
}

const REPLICA_COLUMNS: readonly Column<Pool['replicas'][number]>[] = [
  { heading: 'AGENT', of: (row) => row.agent_id },
  { heading: 'GEN', of: (row) => String(row.generation), align: 'right' },
  { heading: 'PROCESS', of: (row) => row.unit },
  { heading: 'SHOULD', of: (row) => row.desired_state },
  { heading: 'PID', of: (row) => String(row.pid ?? '-'), align: 'right' },
  { heading: 'HOST', of: (row) => row.host ?? '-' },
  { heading: 'AGE', of: (row) => ageOf(row.started_at), align: 'right' },
];

/** `omoi pools show` */
export async function showPool(poolId: string, flags: FollowFlags): Promise<void> {
  const client = clientForNamed(serverOf(flags));
  await showWhole(flags, {
    ask: () => client.call('GET', pathOf(poolId)),
    linesOf: (answer) => linesOf(pool.parse(answer)),
    types: ['fleet.pool', 'fleet.agent'],
    isMeant: tellsOf(poolId),
  });
}

function linesOf(shown: Pool): readonly string[] {
  const size = `${runningIn(shown)} run, ${shown.effective} wanted (${shown.desired}, ${shown.min} to ${shown.max})`;
  return [
    ...fieldsOf([
      ['pool', shown.pool_id],
      ['state', shown.state],
      ['command', shown.command.join(' ')],
      ['size', size],
      ['note', noteOn(shown)],
    ]),
    '',
    ...tableFor(REPLICA_COLUMNS).linesOf(shown.replicas),
  ];
}

export interface ScaleFlags extends ServerFlags {
  readonly reason: string;
  readonly for?: string;
}

const scaled = z.object({ effective: z.number() });
const OVERRIDE = 'by-hand';

/** `omoi pools scale`: to a number for good, or by `+N` for a while. */
export async function scalePool(poolId: string, size: string, flags: ScaleFlags): Promise<void> {
  const client = clientForNamed(serverOf(flags));
  const answer = await (size.startsWith('+') ? scaleForAWhile : scaleTo)(client, { poolId, size, flags });
  if (flags.json === true) printJson(answer);
  else printLines([toldScale(poolId, scaled.parse(answer).effective)]);
}

interface Scaling {
  readonly poolId: string;
  readonly size: string;
  readonly flags: ScaleFlags;
}

async function scaleTo(client: ServerClient, { poolId, size, flags }: Scaling): Promise<unknown> {
  if (flags.for !== undefined) {
    throw new OmoiError(
      'invalid_request',
      `--for: only more agents end by themselves; write +N, not ${size}`,
    );
  }
  const body = { desired: wholeNumber(size), reason: flags.reason };
  return client.call('POST', `${pathOf(poolId)}/scale`, body);
}

async function scaleForAWhile(client: ServerClient, { poolId, size, flags }: Scaling): Promise<unknown> {
  const ttlMs = flags.for === undefined ? null : parseDuration(flags.for);
  if (ttlMs === null) {
    throw new OmoiError(
      'invalid_request',
      `--for: say for how long ${size} agents are added: 30m, 2h; at most 1d`,
    );
  }
  const body = { add: wholeNumber(size.slice(1)), ttl_ms: ttlMs, reason: flags.reason };
  return client.call('PUT', `${pathOf(poolId)}/scale-overrides/${OVERRIDE}`, body);
}

function wholeNumber(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new OmoiError('invalid_request', `"${text}" is no number of agents; write 4, or +2 with --for 30m`);
}

function pathOf(poolId: string): string {
  return `${PATH}/${encodeURIComponent(poolId)}`;
}

function toldScale(poolId: string, agents: number): string {
  return `pool ${poolId} is to run ${agents} ${agents === 1 ? 'agent' : 'agents'}`;
}

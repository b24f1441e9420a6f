import { messageOf, OmoiError, parseDuration } from '#telemetry';
import { z } from 'zod';
import { tellsOf } from '../follow-rows.ts';
import { clientForNamed } from '../named-client.ts';
import { readNamedText } from '../named-text.ts';
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
import { note, printJson, printLines } from '../terminal/print.ts';
import type { Column } from '../terminal/table.ts';
import { fieldsOf, giveOrders, readIfThere } from './orders.ts';
import { showList, showWhole } from './shown.ts';

const PATH = '/api/v1/fleet/tasks';
const PAGE_ROWS = 1000;

const nullable = z.string().nullable();
const task = z.looseObject({
  task_id: z.string(),
  task_type: z.string(),
  phase_id: z.string(),
  priority: z.number(),
  payload: z.unknown(),
  state: z.string(),
  pool_id: nullable,
  attempt: z.number(),
  max_attempts: z.number(),
  failures: z.number(),
  counted_losses: z.number(),
  available_at: z.string(),
  agent_id: nullable,
  generation: z.number().nullable(),
  lease_expires_at: nullable,
  enqueued_at: z.string(),
  claimed_at: nullable,
  finished_at: nullable,
  parked_at: nullable,
  progress: z.unknown(),
  result: z.unknown(),
  error: nullable,
  warnings: z.array(z.string()),
});
type Task = z.output<typeof task>;

const COLUMNS: readonly Column<Task>[] = [
  { heading: 'TASK', of: (row) => row.task_id },
  { heading: 'STATE', of: (row) => row.state, colourOf: (row) => colourOfState(row.state) },
  { heading: 'AGE', of: (row) => ageOf(row.enqueued_at), align: 'right' },
  { heading: 'TYPE', of: (row) => row.task_type },
  { heading: 'PHASE', of: (row) => row.phase_id },
  { heading: 'PRIO', of: (row) => String(row.priority), align: 'right' },
  { heading: 'TRY', of: (row) => `${row.failures + row.counted_losses}/${row.max_attempts}`, align: 'right' },
  { heading: 'AGENT', of: (row) => row.agent_id ?? '-' },
  { heading: 'ERROR', of: (row) => row.error ?? '', mayShrink: true },
];

/** What has not ended. */
const OPEN_STATES = ['queued', 'claimed', 'parked'] as const;
/** There may be any number of them. */
const ENDED_STATES: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled']);

export interface TaskListFlags extends FollowFlags {
  readonly state?: string;
  readonly phase?: string;
  readonly agent?: string;
  readonly limit: number;
}

/** `omoi tasks list`: those that have not ended, the oldest first, or of one state; of what has ended, the newest end first. */
export async function listTasks(flags: TaskListFlags): Promise<void> {
  const server = serverOf(flags);
  const client = clientOf(server);
  await showList(server, flags, {
    key: 'tasks',
    columns: COLUMNS,
    async readAll() {
      const lists = [];
      for (const state of flags.state === undefined ? OPEN_STATES : [flags.state]) {
        lists.push(await readTasks(client, { ...flags, state }));
      }
      return { rows: lists.flatMap(({ rows }) => rows), more: lists.some(({ more }) => more) };
    },
    empty: noneListed(flags.state),
    notesOn: unservedNotes,
    more: `there are more than ${flags.limit} of a state: --limit shows them`,
    follow: {
      types: ['fleet.task'],
      idOf: (event) => (event.entity_type === 'task' ? event.entity_id : null),
      async read(id) {
        const answer = await readIfThere(client, pathOf(id));
        const row = answer === null ? null : task.parse(answer);
        const isMeant =
          row &&
          (flags.state ?? row.state) === row.state &&
          (flags.phase ?? row.phase_id) === row.phase_id &&
          (flags.agent ?? row.agent_id) === row.agent_id;
        return isMeant ? row : null;
      },
    },
  });
}

/** Once for each kind, why those of them wait that no living agent claims. */
function unservedNotes(tasks: readonly Task[]): readonly string[] {
  const warned = tasks.flatMap((row) => row.warnings.map((warning) => ({ type: row.task_type, warning })));
  const kinds = Map.groupBy(warned, ({ type, warning }) => `${type} ${warning}`);
  return [...kinds.values()].flatMap(([first, ...more]) => {
    if (!first) return [];
    const wait = more.length === 0 ? '1 task' : `${more.length + 1} tasks`;
    return [`${wait} of type "${first.type}" ${more.length === 0 ? 'waits' : 'wait'}: ${first.warning}`];
  });
}

const taskPage = z.object({ tasks: z.array(task), next_cursor: nullable.optional() });

/** Those that have not ended are listed by their ids; those that have, by their ends. */
export function readTasks(
  client: ServerClient,
  { state, phase, agent, limit }: TaskListFlags & { readonly state: string },
) {
  const hasEnded = ENDED_STATES.has(state);
  const pages = {
    path: hasEnded ? `${PATH}/finished` : PATH,
    query: { state, phase_id: phase, agent_id: agent },
    maxRows: PAGE_ROWS,
    read(answer: unknown, asked: number) {
      const { tasks: rows, next_cursor: cursor } = taskPage.parse(answer);
      if (hasEnded) return { rows, next: typeof cursor === 'string' ? { cursor } : null };
      return { rows, next: behindLast({ rows, asked }, 'after', (row) => row.task_id) };
    },
  };
  return readPages(client, pages, limit);
}

/** `omoi tasks show` */
export async function showTask(taskId: string, flags: FollowFlags): Promise<void> {
  const client = clientForNamed(serverOf(flags));
  await showWhole(flags, {
    ask: () => client.call('GET', pathOf(taskId)),
    linesOf: (answer) => fieldsOf(fieldsOfTask(task.parse(answer))),
    types: ['fleet.task'],
    isMeant: tellsOf(taskId),
  });
}

function fieldsOfTask(shown: Task): readonly (readonly [string, string | null])[] {
  const holder = shown.agent_id === null ? null : `${shown.agent_id}, generation ${shown.generation}`;
  return [
    ['task', shown.task_id],
    ['type', shown.task_type],
    ['phase', shown.phase_id],
    ['pool', shown.pool_id],
    ['state', shown.state],
    ['enqueued', `${ageOf(shown.enqueued_at)} ago, at ${shown.enqueued_at}`],
    ['available', shown.state === 'queued' ? shown.available_at : null],
    ['claimed', shown.claimed_at],
    ['holder', holder],
    ['lease until', shown.lease_expires_at],
    ['finished', shown.finished_at],
    ['parked', shown.parked_at],
    ['claims', String(shown.attempt)],
    ['attempts', `${shown.failures + shown.counted_losses} of ${shown.max_attempts}`],
    ['payload', jsonText(shown.payload)],
    ['progress', jsonText(shown.progress)],
    ['result', jsonText(shown.result)],
    ['error', shown.error],
    ...shown.warnings.map((warning) => ['warning', warning] as const),
  ];
}

function jsonText(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}

export interface EnqueueFlags extends ServerFlags {
  readonly phase: string;
  readonly pool?: string;
  readonly priority?: number;
  readonly payload?: string;
  readonly key?: string;
  readonly maxAttempts?: number;
  readonly timeLimit?: string;
}

const enqueued = z.object({
  task: z.object({ task_id: z.string(), state: z.string() }),
  created: z.boolean(),
  warnings: z.array(z.string()),
});

/** `omoi tasks enqueue`: its id is all that is printed, for scripts. */
export async function enqueueTask(type: string, flags: EnqueueFlags): Promise<void> {
  const body = {
    task_type: type,
    phase_id: flags.phase,
    pool_id: flags.pool,
    priority: flags.priority,
    payload: flags.payload === undefined ? undefined : await readPayload(flags.payload),
    idempotency_key: flags.key,
    max_attempts: flags.maxAttempts,
    time_limit_ms: flags.timeLimit === undefined ? undefined : readDuration('--time-limit', flags.timeLimit),
  };
  const answer = await clientOf(serverOf(flags)).call('POST', PATH, body);
  if (flags.json === true) return printJson(answer);
  const { task: made, created, warnings } = enqueued.parse(answer);
  if (!created) note(`a task with this key is there already, ${made.state}`);
  warnings.forEach(note);
  printLines([made.task_id]);
}

/** What is said where the list is empty: without a state it is of what is not finished. */
export function noneListed(state: string | undefined): string {
  return state === undefined ? 'no task waits or is worked on' : `no task is ${state}`;
}

/** JSON itself, `@FILE`, or `-` for the standard input. @throws OmoiError `invalid_request` */
export async function readPayload(said: string): Promise<unknown> {
  const isFile = said === '-' || said.startsWith('@');
  try {
    const text = isFile ? await readNamedText(said === '-' ? said : said.slice(1)) : said;
    return JSON.parse(text);
  } catch (thrown) {
    const where = isFile ? said : 'the text';
    const what = thrown instanceof SyntaxError ? 'is no JSON' : "can't be read";
    throw new OmoiError('invalid_request', `--payload: ${where} ${what}: ${messageOf(thrown)}`);
  }
}

function readDuration(flag: string, said: string): number {
  const durationMs = parseDuration(said);
  if (durationMs !== null) return durationMs;
  throw new OmoiError('invalid_request', `${flag}: "${said}" is no duration; write 90s, 15m, 2h`);
}

/** `omoi tasks retry` and `cancel`. @returns the exit status */
export async function orderTasks(
  order: 'retry' | 'cancel',
  ids: readonly string[],
  flags: ServerFlags,
): Promise<number> {
  const client = clientForNamed(serverOf(flags));
  return giveOrders({
    ids,
    json: flags.json === true,
    send: (id) => client.call('POST', `${pathOf(id)}/${order}`),
    told: (id, answer) => `task ${id} is ${task.parse(answer).state}`,
  });
}

function pathOf(taskId: string): string {
  return `${PATH}/${encodeURIComponent(taskId)}`;
}

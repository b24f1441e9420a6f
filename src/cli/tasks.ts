import { z } from 'zod';
import { followRows } from './follow-rows.ts';
import { readIfThere } from './nouns/orders.ts';
import { printable } from './query/printable.ts';
import { behindLast, readAll } from './read-pages.ts';
import { clientOf, serverOf, type FollowFlags, type ServerClient } from './server-client.ts';
import { note, printJson } from './terminal/print.ts';

const parkedTask = z.object({
  task_id: z.string(),
  task_type: z.string(),
  state: z.string(),
  phase_id: z.string(),
  failures: z.number(),
  counted_losses: z.number(),
  max_attempts: z.number(),
  parked_at: z.string().nullable(),
  error: z.string().nullable(),
  progress: z.unknown(),
  last_output: z.string().nullable(),
});
type ParkedTask = z.output<typeof parkedTask>;
const taskPage = z.object({ tasks: z.array(parkedTask) });

const PATH = '/api/v1/fleet/tasks';
const TASKS_PER_PAGE = 1000;

/** `omoi tasks parked`: the tasks that used up their attempts by ending their holders, and what was seen last. */
export async function listParkedTasks(flags: FollowFlags): Promise<void> {
  const server = serverOf(flags);
  const client = clientOf(server);
  const print = flags.json === true ? printJson : printParked;
  const printAll = async (): Promise<void> => {
    const tasks = await allParked(client);
    if (flags.json === true && flags.follow !== true) return printJson({ tasks });
    if (tasks.length === 0) note('no task is parked');
    tasks.forEach(print);
  };
  if (flags.follow !== true) return printAll();
  await followRows(server, {
    types: ['fleet.task.parked'],
    idOf: ({ entity_id: id }) => id,
    async read(id) {
      const answer = await readIfThere(client, `${PATH}/${encodeURIComponent(id)}`);
      const task = answer === null ? null : parkedTask.parse(answer);
      return task?.state === 'parked' ? task : null;
    },
    printAll,
    print,
  });
}

function printParked(task: ParkedTask): void {
  const attempts = `${task.failures + task.counted_losses}/${task.max_attempts} attempts`;
  process.stdout.write(
    `${task.task_id}  ${task.task_type}  ${task.phase_id}  ${attempts}  parked ${task.parked_at ?? ''}\n`,
  );
  for (const line of (task.error ?? '').split('\n')) process.stdout.write(`    ${printable(line)}\n`);
  if (task.progress !== null && task.progress !== undefined) {
    process.stdout.write(`    progress: ${printable(JSON.stringify(task.progress))}\n`);
  }
  for (const line of lastLines(task.last_output)) process.stdout.write(`    | ${printable(line)}\n`);
}

/** The end of an output, as much of it as is read at a glance. */
export function lastLines(output: string | null): readonly string[] {
  const text = (output ?? '').trimEnd();
  return text === '' ? [] : text.split('\n').slice(-SHOWN_OUTPUT_LINES);
}

const SHOWN_OUTPUT_LINES = 10;

function allParked(client: ServerClient): Promise<readonly ParkedTask[]> {
  return readAll(client, {
    path: PATH,
    query: { state: 'parked' },
    maxRows: TASKS_PER_PAGE,
    read(answer, asked) {
      const { tasks: rows } = taskPage.parse(answer);
      return { rows, next: behindLast({ rows, asked }, 'after', (row) => row.task_id) };
    },
  });
}

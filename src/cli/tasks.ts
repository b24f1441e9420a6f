import { z } from 'zod';
import { printable } from './query/printable.ts';
import { clientOf, serverOf, type ServerClient, type ServerFlags } from './server-client.ts';
import { note } from './terminal/print.ts';

const parkedTask = z.object({
  task_id: z.string(),
  task_type: z.string(),
  phase_id: z.string(),
  failures: z.number(),
  counted_losses: z.number(),
  max_attempts: z.number(),
  parked_at: z.string().nullable(),
  error: z.string().nullable(),
  progress: z.unknown(),
  last_output: z.string().nullable(),
});
const taskPage = z.object({ tasks: z.array(parkedTask) });

const TASKS_PER_PAGE = 1000;

/** `omoi tasks parked`: the tasks that used up their attempts by ending their holders, and what was seen last. */
export async function listParkedTasks(flags: ServerFlags): Promise<void> {
  const tasks = await allParked(clientOf(serverOf(flags)));
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify({ tasks })}\n`);
    return;
  }
  if (tasks.length === 0) note('no task is parked');
  for (const task of tasks) {
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
}

/** The end of an output, as much of it as is read at a glance. */
export function lastLines(output: string | null): readonly string[] {
  const text = (output ?? '').trimEnd();
  return text === '' ? [] : text.split('\n').slice(-SHOWN_OUTPUT_LINES);
}

const SHOWN_OUTPUT_LINES = 10;

async function allParked(client: ServerClient): Promise<z.output<typeof parkedTask>[]> {
  const tasks: z.output<typeof parkedTask>[] = [];
  for (;;) {
    const last = tasks.at(-1);
    const page = new URLSearchParams({
      state: 'parked',
      limit: String(TASKS_PER_PAGE),
      ...(last && { after: last.task_id }),
    });
    const found = taskPage.parse(await client.call('GET', `/api/v1/fleet/tasks?${page.toString()}`));
    tasks.push(...found.tasks);
    if (found.tasks.length < TASKS_PER_PAGE) return tasks;
  }
}

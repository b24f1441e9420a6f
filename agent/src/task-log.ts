import type { ClaimedTask } from './wire.ts';

/** One JSON line on stderr, in the shape of Omoi's own logs; fields that don't fit into JSON are left out. */
export function writeTaskLog(
  task: ClaimedTask,
  message: string,
  fields: Readonly<Record<string, unknown>> = {},
): void {
  const line = {
    level: 'info',
    time: new Date().toISOString(),
    msg: message,
    task_id: task.task_id,
    attempt: task.attempt,
    ...(task.traceparent !== null && { trace_id: task.traceparent.split('-')[1] }),
  };
  try {
    process.stderr.write(`${JSON.stringify({ ...line, ...fields })}\n`);
  } catch {
    process.stderr.write(`${JSON.stringify(line)}\n`);
  }
}

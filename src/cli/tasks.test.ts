import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { serveStreams } from './event-stream-server.test-support.ts';
import { listParkedTasks } from './tasks.ts';

const parked = (id: string) => ({
  task_id: id,
  task_type: 'mail',
  state: 'parked',
  phase_id: 'PHASE_TESTING',
  failures: 0,
  counted_losses: 3,
  max_attempts: 3,
  parked_at: '2026-11-30T10:00:00.000Z',
  error: 'its holder ended: SIGSEGV',
  progress: null,
  last_output: 'last words\n',
});
const LINES = [
  'task_1  mail  PHASE_TESTING  3/3 attempts  parked 2026-11-30T10:00:00.000Z\n',
  '    its holder ended: SIGSEGV\n',
  '    | last words\n',
];

let written: string[];
let close = (): void => {};
/** Called when the last line is printed. */
let onPrinted = (): void => {};
beforeEach(() => {
  written = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written.push(String(text));
    if (String(text).includes('last words')) onPrinted();
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
  close();
});

/** No task is parked; then two are, of which one was given its attempts back at once. The stream ends with what was printed. */
async function serve() {
  const {
    url,
    close: stop,
    breakOff,
  } = await serveStreams(({ url: path = '' }, response) => {
    const event = (id: number, taskId: string): string =>
      `id: ${id}\ndata: ${JSON.stringify({ id, event_type: 'fleet.task.parked', entity_type: 'task', entity_id: taskId, payload: {} })}\n\n`;
    if (path.startsWith('/api/v1/events/stream')) {
      if (written.length > 0)
        return void response.writeHead(403).end('{"error":"forbidden","message":"the end of the test"}');
      return void response.write(`id: 1\n\n${event(2, 'task_2')}${event(3, 'task_1')}`);
    }
    const answers: Readonly<Record<string, object>> = {
      '/api/v1/fleet/tasks/task_1': parked('task_1'),
      '/api/v1/fleet/tasks/task_2': { ...parked('task_2'), state: 'queued' },
    };
    response.end(JSON.stringify(answers[path] ?? { tasks: [] }));
  });
  close = stop;
  onPrinted = breakOff;
  return url;
}

it.each([
  [false, LINES],
  [true, [`${JSON.stringify(parked('task_1'))}\n`]],
])('tasks that are parked are told of as it happens (as JSON: %s)', async (json, lines) => {
  const url = await serve();
  await expect(listParkedTasks({ url, follow: true, json })).rejects.toThrow('the end of the test');
  expect(written).toEqual(lines);
});

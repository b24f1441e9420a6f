import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminOf } from './support/admin.ts';
import type { Client } from './support/client.ts';
import { dataDirectory, OmoiServer } from './support/omoi-process.ts';
import { StartedProcess } from './support/started-process.ts';
import { until } from './support/until.ts';

const path = (name: string): string => fileURLToPath(new URL(`../../examples/http/${name}`, import.meta.url));

/** What the shell's worker runs for each task: it reads the task as JSON. */
const COUNT_WORDS = `
task=$(cat)
text=$(printf '%s' "$task" | sed -n 's/.*"text":"\\([^"]*\\)".*/\\1/p')
pause=$(printf '%s' "$task" | sed -n 's/.*"pause_seconds":\\([0-9]*\\).*/\\1/p')
[ -n "$text" ] || { echo 'the task has no "text"' >&2; exit 3; }
for word in $text; do sleep "$pause"; done
echo $text | wc -w`;

interface ExampleWorker {
  readonly title: string;
  /** Without it the worker can't run. */
  readonly needs: string;
  readonly command: readonly [string, ...string[]];
  readonly agentId: string;
  readonly taskType: string;
  readonly result: unknown;
  readonly error: RegExp;
}

const WORKERS: readonly ExampleWorker[] = [
  {
    title: 'in Python',
    needs: 'python3',
    command: ['python3', path('worker.py')],
    agentId: 'counter-1',
    taskType: 'count_words',
    result: { words: 3 },
    error: /KeyError\('text'\)/,
  },
  {
    title: 'for the shell',
    needs: 'curl',
    command: ['sh', path('worker.sh'), 'sh', '-c', COUNT_WORDS],
    agentId: 'shell-1',
    taskType: 'count',
    result: { output: '3' },
    error: /^exit 3\nthe task has no "text"/,
  },
];

const isMissing = (program: string): boolean => spawnSync(program, ['--version']).error !== undefined;

/** Shorter than the work, so that it is done only where the lease is renewed. */
const LEASE_MS = 4000;
const data = dataDirectory();
const started: StartedProcess[] = [];
let server: OmoiServer;
let admin: Client;

beforeAll(async () => {
  server = await OmoiServer.start(data.path);
  admin = await adminOf(server, data.path);
});

afterAll(async () => {
  for (const process of started) if (process.isRunning) process.kill('SIGKILL');
  await server.stop();
  data.remove();
});

async function start({ command, agentId, taskType }: ExampleWorker): Promise<StartedProcess> {
  const body = { name: agentId, role: 'agent', scope: { agent_ids: [agentId] } };
  const { secret } = await admin.makeToken(body);
  const [program, ...args] = command;
  const worker = new StartedProcess(program, args, {
    PATH: process.env['PATH'],
    OMOI_URL: server.url,
    OMOI_AGENT_TOKEN: secret,
    OMOI_AGENT_ID: agentId,
    OMOI_TASK_TYPE: taskType,
    LEASE_MS: String(LEASE_MS),
  });
  started.push(worker);
  return worker;
}

interface Task {
  readonly task_id: string;
  readonly state: string;
  readonly attempt: number;
  readonly leases_lost: number;
  readonly result: unknown;
  readonly error: string | null;
  readonly agent_id: string | null;
}

async function enqueue({ taskType }: ExampleWorker, payload: object): Promise<string> {
  const body = { task_type: taskType, phase_id: 'PHASE_TESTING', payload };
  const { task } = await admin.read<{ task: Task }>('/api/v1/fleet/tasks', { method: 'POST', body });
  return task.task_id;
}

const taskOf = (id: string): Promise<Task> => admin.read<Task>(`/api/v1/fleet/tasks/${id}`);
const inState = (id: string, state: string): Promise<Task> =>
  until(async () => {
    const task = await taskOf(id);
    return task.state === state && task;
  }, `task ${id} is ${state}`);
const agentOf = ({ agentId }: ExampleWorker) =>
  admin.read<{ status: string; status_reason: string; last_heartbeat_at: string | null }>(
    `/api/v1/fleet/agents/${agentId}`,
  );

describe.concurrent('a worker that speaks HTTP', () => {
  for (const example of WORKERS) {
    const missing = isMissing(example.needs) ? ` (skipped: ${example.needs} is not installed here)` : '';
    it.skipIf(missing !== '')(
      `${example.title}: registers, works, is refused, and leaves${missing}`,
      async () => {
        const worker = await start(example);
        const beat = await until(async () => {
          const refusal = await admin.refusal(`/api/v1/fleet/agents/${example.agentId}`);
          return refusal.startsWith('200') && (await agentOf(example)).last_heartbeat_at;
        }, 'it has registered and beats');

        // It holds the task for longer than a lease, and beats meanwhile.
        const long = await enqueue(example, { text: 'to be counted', pause_seconds: 2 });
        expect(await inState(long, 'completed')).toMatchObject({
          attempt: 1,
          leases_lost: 0,
          result: example.result,
        });
        const { status, last_heartbeat_at: later } = await agentOf(example);
        expect(['IDLE', 'RUNNING']).toContain(status);
        expect(Date.parse(later ?? '') - Date.parse(beat)).toBeGreaterThan(LEASE_MS);

        // What goes wrong in the work is told.
        const bad = await enqueue(example, {});
        expect((await inState(bad, 'failed')).error).toMatch(example.error);

        // What was taken away from it counts no more; it goes on.
        const cancelled = await enqueue(example, { text: 'not needed', pause_seconds: 1 });
        await inState(cancelled, 'claimed');
        await admin.read(`/api/v1/fleet/tasks/${cancelled}/cancel`, { method: 'POST' });
        await until(() => (worker.stdout + worker.stderr).includes('task_finished'), 'it is refused');
        expect(await taskOf(cancelled)).toMatchObject({ state: 'cancelled', result: null });

        // Asked to leave, it finishes what it has, and takes no more.
        const last = await enqueue(example, { text: 'the last one', pause_seconds: 1 });
        await inState(last, 'claimed');
        await admin.read(`/api/v1/fleet/agents/${example.agentId}/drain`, { method: 'POST' });
        const unwanted = await enqueue(example, { text: 'for others', pause_seconds: 0 });
        await worker.closed;
        expect([worker.exitCode, worker.stdout]).toEqual([0, expect.stringMatching(/deregistered\n$/)]);
        expect(await taskOf(last)).toMatchObject({ state: 'completed', attempt: 1, result: example.result });
        expect((await taskOf(unwanted)).state).toBe('queued');
        expect(await agentOf(example)).toMatchObject({ status: 'TERMINATED', status_reason: 'done' });
      },
    );
  }
});

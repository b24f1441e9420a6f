import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isLong } from '../long-tests.ts';
import { Client } from './support/client.ts';
import { startGameday, type TracedGameday } from './support/gameday-process.ts';
import { dataDirectory, freePort, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';
import { workersOf, type Worker } from './support/workers.ts';

const WORKERS = 4;
const SERVANTS = 2;
const AWAY_MS = 20_000;

const data = dataDirectory();
let port: number;
let token: string;
let server: OmoiServer;
let admin: Client;

interface Task {
  readonly task_id: string;
  readonly state: string;
  readonly claimed_at: string | null;
  readonly finished_at: string | null;
  readonly leases_lost: number;
  readonly attempt: number;
}

beforeAll(async () => {
  // The workers have to find the server again.
  port = await freePort();
  server = await OmoiServer.start(data.path, { demo: true, port });
  token = server.adminToken;
  admin = new Client(() => server.url, token);
});

afterAll(async () => {
  await server.stop('SIGINT');
  const left = workersOf(server);
  for (const { pid } of left) process.kill(pid, 'SIGKILL');
  data.remove();
  expect(left).toEqual([]);
});

const kill = (): Promise<unknown> => server.stop('SIGKILL');

async function startAgain(): Promise<void> {
  server = await OmoiServer.start(data.path, { demo: true, port });
}

const sorted = (workers: readonly Worker[]): readonly Worker[] =>
  workers.toSorted((a, b) => a.agentId.localeCompare(b.agentId));

/** Exactly one process for each agent that should run, of the generation that the server knows. */
async function expectEachWorkerOnce(): Promise<void> {
  interface Replica {
    readonly agent_id: string;
    readonly generation: number;
    readonly pid: number | null;
    readonly unit: string;
  }
  await until(() => workersOf(server).length === WORKERS + SERVANTS, 'one process for each agent');
  const { pools } = await admin.read<{ pools: { replicas: Replica[] }[] }>('/api/v1/fleet/pools');
  const running = pools.flatMap(({ replicas }) => replicas).filter((replica) => replica.unit === 'running');
  const known = running.map((replica) => `${replica.agent_id}/${replica.generation} ${replica.pid}`);
  const found = workersOf(server).map((worker) => `${worker.agentId}/${worker.generation} ${worker.pid}`);
  expect(new Set(found)).toEqual(new Set(known));
  expect(new Set(workersOf(server).map((worker) => worker.nonce)).size).toBe(WORKERS + SERVANTS);
}

/** All that was enqueued until now is done, each task once. */
async function expectTasksDoneOnce(): Promise<void> {
  const enqueued = (await admin.events('fleet.task.enqueued')).map((event) => event.entity_id);
  expect(enqueued.length).toBeGreaterThan(0);
  const completed = await until(
    async () => {
      const done = (await admin.events('fleet.task.completed')).map((event) => event.entity_id);
      const ids = new Set(done);
      return enqueued.every((id) => ids.has(id)) && done;
    },
    'every task is completed',
    60_000,
  );
  expect(new Set(completed).size).toBe(completed.length);
}

interface Kill {
  readonly at: string;
  /** A span that is in the database before the server is killed; without it the kill comes at once. */
  readonly afterSpan?: string;
}

/** Whether a span of this name is in the database that began after a time. */
async function hasSpan(name: string, since: string): Promise<boolean> {
  const query = new URLSearchParams({ name, from: since });
  const { traces } = await admin.read<{ traces: unknown[] }>(
    `/api/v1/observability/traces?${query.toString()}`,
  );
  return traces.length > 0;
}

/** The rule whose alert a game day is about. */
const RULES: Readonly<Record<TracedGameday, string>> = {
  worker_hang: 'fleet/AgentStalled',
  high_queue_depth: 'fleet/HighQueueDepth',
};

const TRACE_STEP = 'one trace holds all of it';

/** Runs a game day and kills the server at its steps; afterwards everything is as if nothing had happened. */
async function survive(name: TracedGameday, kills: readonly Kill[]): Promise<void> {
  const since = new Date().toISOString();
  const run = startGameday(name, data.path);
  try {
    for (const { at, afterSpan } of kills) {
      await run.reached(at);
      if (afterSpan !== undefined) await until(() => hasSpan(afterSpan, since), `a span ${afterSpan}`);
      await kill();
      await startAgain();
    }
  } catch (thrown) {
    await run.stop();
    throw thrown;
  }
  const { report, status, timeline } = await run.report();
  const failed = report.steps.filter((step) => !step.ok).map((step) => step.name);
  // Spans wait some 200 ms to be written in batches, and are telemetry: a kill at once may cost those of the moment.
  const atOnce = kills.some((one) => one.afterSpan === undefined);
  expect(atOnce ? failed.filter((step) => step !== TRACE_STEP) : failed, timeline).toEqual([]);
  expect(report.steps.at(-1)?.name, timeline).toBe(TRACE_STEP);
  expect(status).toBe(failed.length === 0 ? 0 : 1);

  const { alerts } = await admin.read<{
    alerts: { id: string; rule_id: string; trace_id: string; cause: string }[];
  }>('/api/v1/alerts?limit=1000');
  const own = alerts.filter((alert) => alert.trace_id === report.trace_id && alert.rule_id === RULES[name]);
  expect(own.map((alert) => alert.cause)).toEqual(['remediated']);
  const { remediations } = await admin.read<{ remediations: { outcome: string }[] }>(
    `/api/v1/watchdog/remediations?alert_id=${own[0]?.id}`,
  );
  expect(remediations.map(({ outcome }) => outcome)).toEqual(['healed']);
  await expectEachWorkerOnce();
  await expectTasksDoneOnce();
}

describe('while the server is away', () => {
  it('the workers go on; they are the same when it is back, and report what they did', async () => {
    await until(
      async () => (await admin.events('fleet.agent.registered')).length === WORKERS + SERVANTS,
      'the fleet is registered',
    );
    const tasks = Array.from({ length: 40 }, () => ({ task_type: 'fetch', phase_id: 'PHASE_TESTING' }));
    await admin.read('/api/v1/fleet/tasks/batch', { method: 'POST', body: { tasks } });
    const everyWorkerHoldsOne = async (): Promise<boolean> => {
      const { tasks: held } = await admin.read<{ tasks: Task[] }>('/api/v1/fleet/tasks?state=claimed');
      return held.length === WORKERS;
    };
    await until(everyWorkerHoldsOne, 'every worker holds a task');
    const before = sorted(workersOf(server));
    // What they fetch does not come until the server is gone: on a busy machine they would have ended it all before.
    const source = before.find(({ poolId }) => poolId === 'demo-source');
    if (!source) throw new Error('the demo has no source');
    const work = { target: 'pool:demo-source', duration_ms: 600_000, reason: 'it stands still for a moment' };
    const { id } = await admin.read<{ id: string }>('/api/v1/watchdog/maintenance', {
      method: 'POST',
      body: work,
    });
    process.kill(source.pid, 'SIGSTOP');
    await until(everyWorkerHoldsOne, 'every worker holds a task that waits for the source');
    const killedAt = Date.now();
    await kill();
    process.kill(source.pid, 'SIGCONT');
    // The point of this test is the time without a server: there is no event that ends it.
    await delay(AWAY_MS);
    expect(sorted(workersOf(server))).toEqual(before);
    const output = join(data.path, 'demo/output');
    const written = readdirSync(output).filter((name) => statSync(join(output, name)).mtimeMs > killedAt);
    expect(written.length).toBeGreaterThan(0);
    const backAt = Date.now();
    await startAgain();

    const late = await until(async () => {
      const { tasks: all } = await admin.read<{ tasks: Task[] }>('/api/v1/fleet/tasks?limit=1000');
      if (all.some((task) => task.state === 'claimed' && Date.parse(task.claimed_at ?? '') < killedAt))
        return null;
      return all.filter(
        (task) => Date.parse(task.claimed_at ?? '') < killedAt && Date.parse(task.finished_at ?? '') > backAt,
      );
    }, 'what was done in between is reported');
    expect(late.length).toBeGreaterThan(0);
    for (const task of late) expect(task).toMatchObject({ state: 'completed', attempt: 1, leases_lost: 0 });
    await expectEachWorkerOnce();
    expect(sorted(workersOf(server))).toEqual(before);
    await expectTasksDoneOnce();
    await admin.call(`/api/v1/watchdog/maintenance/${id}`, { method: 'DELETE' });
  });
});

describe('kill -9 of the server in the middle of a game day', () => {
  it('worker_hang, when the alert has fired', () => survive('worker_hang', [{ at: 'the alert fires' }]));

  // The server has to be back before the grace of the worker that hangs is over.
  it.runIf(isLong)('worker_hang, when the remediation acts; its trace is whole', () =>
    survive('worker_hang', [{ at: 'a remediation starts', afterSpan: 'fleet.spawn' }]),
  );

  it.runIf(isLong)('high_queue_depth, when the alert has fired and while workers are spawned', () =>
    survive('high_queue_depth', [
      { at: 'the alert fires' },
      { at: 'the first additional worker is spawned' },
    ]),
  );
});

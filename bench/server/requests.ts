import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dataDirectory, freePort, omoi, OmoiServer } from '../../tests/acceptance/support/omoi-process.ts';
import { Connection } from '../load/connection.ts';
import { round } from '../tsdb/numbers.ts';
import { cpuSeconds, startOmoi, startPrometheus, INSTALLED, type Target } from '../tsdb/target.ts';
import { Load } from '../tsdb/load.ts';
import { writeAll } from '../tsdb/requests.ts';
import { Generator } from './generator.ts';
import { BENCH_POOL, type Job, type JobResult } from './job.ts';

export type Measured = Readonly<Record<string, number | string | boolean | null>>;
export type Report = (row: string, measured: Measured) => void;

const AGENTS = 1000;
const FOR_MS = 8000;
const HEARTBEATS_PER_SECOND = 10_000;
const BATCHED_HEARTBEATS_PER_SECOND = 50_000;
const TASKS_PER_SECOND = 2500;
const P99_LIMIT_MS = { heartbeats: 50, tasks: 100 } as const;
const TASKS_PER_BATCH = 500;
const AGENTS_OF_HOST = 50;
const HOSTS = 20;
const CLAIMED_AT_ONCE = 10;

const BARE = fileURLToPath(new URL('./bare-route.ts', import.meta.url));

/** What is under load: an address, and a process whose CPU time is told. */
interface Loaded {
  readonly url: string;
  readonly token: string | null;
  readonly pid: number;
}

/** What a route that does nothing bears, and then heartbeats and tasks on a whole server, over the same generator. */
export async function measureRequests(report: Report): Promise<void> {
  await withGenerator(async (generator) => {
    await measureBareRoute(generator, report);
    const data = dataDirectory();
    const server = await OmoiServer.start(data.path, {
      env: { OMOI_LOG_DESTINATION: join(data.path, 'omoi.log'), ...profiled() },
    });
    try {
      const created = await omoi(tokenCommand(data.path));
      const loaded = { url: server.url, token: created.stdout.trim(), pid: server.pid };
      await measureHeartbeats(loaded, generator, report);
      await measureTasks(loaded, generator, report);
    } finally {
      await server.stop();
      data.remove();
    }
  });
}

/** More than any load of the bench has. */
const MAX_AGENTS = '20000';

/** What agents speak with: an operator's token would write every heartbeat into the audit log. */
function tokenCommand(directory: string): string[] {
  const create = ['token', '--data-directory', directory, 'create', 'bench', '--role', 'agent'];
  return [...create, '--pool', BENCH_POOL, '--max-agents', MAX_AGENTS];
}

async function withGenerator(use: (generator: Generator) => Promise<void>): Promise<void> {
  const generator = new Generator();
  try {
    await use(generator);
  } finally {
    await generator.stop();
  }
}

/** For a profile of the server: what `OMOI_BENCH_NODE_FLAGS` says. */
function profiled(): Readonly<Record<string, string>> {
  const flags = process.env['OMOI_BENCH_NODE_FLAGS'];
  return flags === undefined ? {} : { OMOI_NODE_FLAGS: flags };
}

async function measureBareRoute(generator: Generator, report: Report): Promise<void> {
  const port = await freePort();
  const child = fork(BARE, [String(port)], { execArgv: ['--disable-warning=ExperimentalWarning'] });
  await once(child, 'message');
  const loaded = { url: `http://127.0.0.1:${port}`, token: null, pid: child.pid ?? 0 };
  const job = { agents: AGENTS, forMs: FOR_MS, work: { kind: 'heartbeat' } } as const;
  const measured = await underLoad(loaded, generator, { ...job, pace: { kind: 'closed' } });
  report('a bare route', { ...measured });
  child.disconnect();
  await once(child, 'exit');
}

async function underLoad(
  { url, token, pid }: Loaded,
  generator: Generator,
  job: Omit<Job, 'url' | 'token'>,
): Promise<JobResult & { readonly server_cpu_us_each: number; readonly server_cpu_seconds: number }> {
  const before = cpuSeconds(pid);
  const result = await generator.run({ ...job, url, token });
  const spent = cpuSeconds(pid) - before;
  return {
    ...result,
    server_cpu_seconds: round(spent, 1),
    server_cpu_us_each: round((spent / Math.max(1, result.done)) * 1e6, 1),
  };
}

async function measureHeartbeats(loaded: Loaded, generator: Generator, report: Report): Promise<void> {
  const single = { agents: AGENTS, forMs: FOR_MS, work: { kind: 'heartbeat' } } as const;
  const most = await underLoad(loaded, generator, { ...single, pace: { kind: 'closed' } });
  report('heartbeats, as many as go', { ...most, reached: most.per_second >= HEARTBEATS_PER_SECOND });
  const pace = { kind: 'open', perSecond: HEARTBEATS_PER_SECOND / 2 } as const;
  const half = await underLoad(loaded, generator, { ...single, pace });
  report('heartbeats, half the aim', { ...half, reached: half.p99_ms <= P99_LIMIT_MS.heartbeats });
  const batched = {
    agents: HOSTS,
    forMs: FOR_MS,
    work: { kind: 'heartbeats', agentsOfHost: AGENTS_OF_HOST },
    pace: { kind: 'closed' },
  } as const;
  try {
    const most = await underLoad(loaded, generator, batched);
    report('heartbeats in batches', { ...most, reached: most.per_second >= BATCHED_HEARTBEATS_PER_SECOND });
  } catch (error) {
    report('heartbeats in batches', { absent: error instanceof Error ? error.message : String(error) });
  }
}

/** How tasks are claimed, and their results delivered. */
type Claiming = Omit<Extract<Job['work'], { kind: 'claim_and_complete' }>, 'kind'>;

async function measureTasks(loaded: Loaded, generator: Generator, report: Report): Promise<void> {
  const enqueueing = await Connection.open(loaded.url, loaded.token);
  const measure = async (claiming: Claiming, pace: Job['pace'], expectedPerSecond: number) => {
    // More than can be settled in that time.
    await enqueue(enqueueing, (2 * expectedPerSecond * FOR_MS) / 1000);
    const work = { kind: 'claim_and_complete', ...claiming } as const;
    return underLoad(loaded, generator, { agents: AGENTS, forMs: FOR_MS, work, pace });
  };
  const one: Claiming = { upTo: 1, completed: 'one_by_one' };
  const single = await measure(one, { kind: 'closed' }, TASKS_PER_SECOND);
  report('claim and complete, as many as go', { ...single, reached: single.per_second >= TASKS_PER_SECOND });
  const several = await measure(
    { upTo: CLAIMED_AT_ONCE, completed: 'one_by_one' },
    { kind: 'closed' },
    TASKS_PER_SECOND,
  );
  report(`claim up to ${CLAIMED_AT_ONCE} and complete`, {
    ...several,
    reached: several.per_second >= TASKS_PER_SECOND,
  });
  const together = await measure(
    { upTo: CLAIMED_AT_ONCE, completed: 'together' },
    { kind: 'closed' },
    2 * TASKS_PER_SECOND,
  );
  report(`claim up to ${CLAIMED_AT_ONCE} and complete together`, {
    ...together,
    reached: together.per_second >= TASKS_PER_SECOND,
  });
  const pace = { kind: 'open', perSecond: TASKS_PER_SECOND / 2 } as const;
  const half = await measure(one, pace, TASKS_PER_SECOND / 2);
  report('claim and complete, half the aim', { ...half, reached: half.p99_ms <= P99_LIMIT_MS.tasks });
  enqueueing.close();
}

async function enqueue(connection: Connection, count: number): Promise<void> {
  const task = { task_type: 'bench', phase_id: 'PHASE_IMPLEMENTATION', payload: { file: 'a' } };
  const body = JSON.stringify({ tasks: Array.from({ length: TASKS_PER_BATCH }, () => task) });
  for (let enqueued = 0; enqueued < count; enqueued += TASKS_PER_BATCH) {
    await connection.post('/api/v1/fleet/tasks/batch', body);
  }
}

const QUERY_SERIES = 1000;
const QUERY_ROUNDS = 4;
const STEP_MS = 15_000;

/** An instant query of one series over one kept connection, one after the other, on Omoi and on Prometheus in turn. */
export async function measureQuery(report: Report): Promise<void> {
  const starts = INSTALLED.prometheus ? [startOmoi, startPrometheus] : [startOmoi];
  const targets: Target[] = [];
  try {
    for (const start of starts) {
      const target = await start();
      targets.push(target);
      const load = new Load({ series: QUERY_SERIES, batchSeries: QUERY_SERIES, metrics: 1 });
      await writeAll(target, load.rounds(QUERY_ROUNDS, Date.now() - QUERY_ROUNDS * STEP_MS), 1);
    }
    await withGenerator(async (generator) => {
      const query = encodeURIComponent('fleet_metric_0_value{agent_id="agent-000042"}');
      for (const round of ['warming up', 'measured']) {
        for (const { base, prefix, headers, pid, name } of targets) {
          const token = headers['authorization']?.slice('Bearer '.length) ?? null;
          const work = { kind: 'query', path: `${prefix}api/v1/query?query=${query}` } as const;
          const job = { agents: 1, forMs: FOR_MS / 2, work, pace: { kind: 'closed' } } as const;
          const measured = await underLoad({ url: base, token, pid }, generator, job);
          if (round === 'measured') report(`query of one series, ${name}`, { ...measured });
        }
      }
    });
  } finally {
    for (const target of targets) {
      await target.stop();
      await target.remove();
    }
  }
}

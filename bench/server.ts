// The whole server over HTTP on SQLite: heartbeats and claim + complete a second with simulated agents in this
// process, beside what one fsync costs here; then the memory of the idle demo and the time until its first page.
// npm run bench -- server [--json]
import { closeSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { dataDirectory, freePort, omoi, OmoiServer } from '../tests/acceptance/support/omoi-process.ts';
import { until } from '../tests/acceptance/support/until.ts';
import { workersOf } from '../tests/acceptance/support/workers.ts';
import { BENCH_POOL, measureRates, type Rates } from './server/load.ts';

const AGENTS = [10, 1000];
const FOR_MS = 5000;
/** More than can be settled in that time. */
const TASKS = 20_000;
const IDLE_MS = 15_000;
const DEMO_WORKERS = 4;
const STARTS = 3;

interface Memory {
  readonly server_mb: number;
  readonly server_anonymous_mb: number;
  readonly worker_mb: number;
  readonly worker_anonymous_mb: number;
}

/** Mean time of a 4 KiB write and its fsync in a directory. */
function fsyncMs(directory: string): number {
  const path = join(directory, 'fsync');
  const file = openSync(path, 'w');
  const page = Buffer.alloc(4096, 1);
  const rounds = 200;
  const startedMs = performance.now();
  for (let round = 0; round < rounds; round++) {
    writeSync(file, page);
    fsyncSync(file);
  }
  const meanMs = (performance.now() - startedMs) / rounds;
  closeSync(file);
  rmSync(path);
  return Number(meanMs.toFixed(3));
}

/** What agents speak with: an operator's token would write every heartbeat into the audit log. */
function tokenCommand(directory: string): string[] {
  return ['token', '--data-directory', directory, 'create', 'bench', '--role', 'agent', '--pool', BENCH_POOL];
}

async function ratesWith(agents: number): Promise<Rates & { readonly fsync_ms: number }> {
  const data = dataDirectory();
  const log = { OMOI_LOG_DESTINATION: join(data.path, 'omoi.log') };
  const server = await OmoiServer.start(data.path, { env: log });
  try {
    const token = (await omoi(tokenCommand(data.path))).stdout.trim();
    const fsync = fsyncMs(data.path);
    const rates = await measureRates({ url: server.url, token, agents, forMs: FOR_MS, tasks: TASKS });
    return { ...rates, fsync_ms: fsync };
  } finally {
    await server.stop();
    data.remove();
  }
}

/** In MB, from /proc/PID/status. */
function memoryOf(pid: number, key: 'VmRSS' | 'RssAnon'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024);
}

async function demoMemory(): Promise<Memory> {
  const data = dataDirectory();
  const server = await OmoiServer.start(data.path, { demo: true });
  try {
    await until(
      () => workersOf(server).filter(({ poolId }) => poolId === 'demo').length === DEMO_WORKERS,
      'the demo runs',
    );
    await delay(IDLE_MS);
    const worker = workersOf(server).find(({ poolId }) => poolId === 'demo');
    if (!worker) throw new Error('the demo has no worker any more');
    return {
      server_mb: memoryOf(server.pid, 'VmRSS'),
      server_anonymous_mb: memoryOf(server.pid, 'RssAnon'),
      worker_mb: memoryOf(worker.pid, 'VmRSS'),
      worker_anonymous_mb: memoryOf(worker.pid, 'RssAnon'),
    };
  } finally {
    await server.stop('SIGINT');
    data.remove();
  }
}

/** From the command to the dashboard's page, on a new data directory. */
async function firstPageMs(): Promise<number> {
  const data = dataDirectory();
  const port = await freePort();
  const startedMs = performance.now();
  const starting = OmoiServer.start(data.path, { demo: true, port });
  const page = async (): Promise<boolean> => {
    try {
      return (await fetch(`http://127.0.0.1:${port}/`)).ok;
    } catch {
      return false;
    }
  };
  await until(page, 'the first page');
  const tookMs = Math.round(performance.now() - startedMs);
  await (await starting).stop('SIGINT');
  data.remove();
  return tookMs;
}

const rates: Awaited<ReturnType<typeof ratesWith>>[] = [];
for (const agents of AGENTS) rates.push(await ratesWith(agents));
const memory = await demoMemory();
const starts: number[] = [];
for (let start = 0; start < STARTS; start++) starts.push(await firstPageMs());
const result = { rates, memory, first_page_ms: Math.min(...starts), first_page_ms_all: starts };

if (process.argv.includes('--json')) console.log(JSON.stringify(result));
else {
  console.log('agents   heartbeats/s  p99 ms   claim+complete/s  p99 ms   one fsync ms');
  for (const row of rates) {
    const cells = [
      String(row.agents).padStart(6),
      String(row.heartbeats_per_second).padStart(14),
      String(row.heartbeat_p99_ms).padStart(7),
      String(row.tasks_per_second).padStart(18),
      String(row.task_p99_ms).padStart(7),
      String(row.fsync_ms).padStart(14),
    ];
    console.log(cells.join(' '));
  }
  console.log(
    `idle with the demo: server ${memory.server_mb} MB resident (${memory.server_anonymous_mb} MB its own; aim < 150), ` +
      `a worker ${memory.worker_mb} MB (${memory.worker_anonymous_mb} MB its own)`,
  );
  console.log(`start to first page: ${starts.join(', ')} ms (aim < 3000)`);
}

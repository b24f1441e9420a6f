import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { dataDirectory, freePort, OmoiServer } from '../../tests/acceptance/support/omoi-process.ts';
import { until } from '../../tests/acceptance/support/until.ts';
import { workersOf } from '../../tests/acceptance/support/workers.ts';
import { round } from '../tsdb/numbers.ts';
import { cpuSeconds, memoryOf } from '../tsdb/target.ts';
import type { Measured } from './requests.ts';

/** What only a start needs has ended by then: code that is compiled, and after the first retention the thread that read for it. */
const SETTLING_MS = 100_000;
/** What is rare has its share: the runtime collects the garbage of a server at rest every 106 s or so, which takes some 0.15 s. */
const IDLE_MS = 110_000;
const LIMITS = { residentMb: 150, coreShare: 0.01, demoCoreShare: 0.04 } as const;
const DEMO_WORKERS = 4;

const megabytes = (bytes: number): number => Math.round(bytes / 1e6);

/** A server that nobody asks anything, as `omoi serve` starts it. */
export async function measureIdle(): Promise<Measured> {
  const data = dataDirectory();
  const server = await OmoiServer.start(data.path, {
    env: { OMOI_LOG_DESTINATION: join(data.path, 'omoi.log') },
  });
  try {
    const rest = await atRest(server.pid);
    const reached = rest.resident_mb <= LIMITS.residentMb && rest.core_share <= LIMITS.coreShare;
    return { ...rest, reached };
  } finally {
    await server.stop();
    data.remove();
  }
}

/** With the demo's six agents and its few tasks a second. */
export async function measureDemo(): Promise<Measured> {
  const data = dataDirectory();
  const server = await OmoiServer.start(data.path, { demo: true });
  try {
    const isComplete = (): boolean =>
      workersOf(server).filter(({ poolId }) => poolId === 'demo').length === DEMO_WORKERS;
    await until(isComplete, 'the demo runs');
    const rest = await atRest(server.pid);
    const worker = workersOf(server).find(({ poolId }) => poolId === 'demo');
    const { residentBytes, anonymousBytes } = memoryOf(worker?.pid ?? server.pid);
    return {
      ...rest,
      worker_resident_mb: megabytes(residentBytes),
      worker_anonymous_mb: megabytes(anonymousBytes),
      reached: rest.core_share <= LIMITS.demoCoreShare,
    };
  } finally {
    await server.stop('SIGINT');
    data.remove();
  }
}

async function atRest(pid: number): Promise<{
  readonly resident_mb: number;
  readonly anonymous_mb: number;
  /** Of one core, of all threads. */
  readonly core_share: number;
}> {
  await delay(SETTLING_MS);
  const startedAt = performance.now();
  const before = cpuSeconds(pid);
  await delay(IDLE_MS);
  const share = (cpuSeconds(pid) - before) / ((performance.now() - startedAt) / 1000);
  const { residentBytes, anonymousBytes } = memoryOf(pid);
  return {
    resident_mb: megabytes(residentBytes),
    anonymous_mb: megabytes(anonymousBytes),
    core_share: round(share, 4),
  };
}

/** From the command to the dashboard's page, on a new data directory. */
export async function measureFirstPage(): Promise<Measured> {
  const data = dataDirectory();
  const port = await freePort();
  const startedMs = performance.now();
  const starting = OmoiServer.start(data.path, { demo: true, port });
  const page = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/`).then(
      (response) => response.ok,
      () => false,
    );
  await until(page, 'the first page');
  const tookMs = Math.round(performance.now() - startedMs);
  await (await starting).stop('SIGINT');
  data.remove();
  return { first_page_ms: tookMs };
}

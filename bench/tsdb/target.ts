import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A store under measurement: a process of its own that takes remote write. */
export interface Target {
  readonly name: 'omoi' | 'prometheus' | 'victoria-metrics';
  readonly pid: number;
  readonly directory: string;
  readonly base: string;
  readonly writePath: string;
  /** Ends the process as its owner would, or at once, and waits for the end. */
  stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Removes its data. */
  remove(): Promise<void>;
}

const TICKS_PER_SECOND = 100;
const CLOCK_MS = 1;

/** User and system time of a process, in seconds. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Resident memory in bytes, and the part of it that is not file pages. */
export function memoryOf(pid: number): { readonly residentBytes: number; readonly anonymousBytes: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kib = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0);
  return { residentBytes: kib('VmRSS') * 1024, anonymousBytes: kib('RssAnon') * 1024 };
}

export const INSTALLED = {
  prometheus: existsSync('/usr/bin/prometheus'),
  victoriaMetrics: existsSync('/usr/bin/victoria-metrics'),
};

/** Omoi's store behind its own HTTP route, log included; on `directory` where one is given. */
export async function startOmoi(directory?: string, nodeFlags: readonly string[] = []): Promise<Target> {
  const own = directory ?? (await mkdtemp(join(tmpdir(), 'omoi-bench-')));
  const port = await freePort();
  const server = fileURLToPath(new URL('server.ts', import.meta.url));
  // The young generation's default on large machines is 128 MB; the store leaves little garbage that lives.
  const flags = [
    '--conditions=omoi-source',
    '--max-semi-space-size=4',
    ...nodeFlags,
    server,
    own,
    String(port),
  ];
  return started(spawn(process.execPath, flags, { stdio: ['ignore', 'inherit', 'inherit'] }), {
    name: 'omoi',
    directory: own,
    port,
    writePath: '/prometheus/api/v1/write',
    readyPath: '/ready',
  });
}

export async function startPrometheus(): Promise<Target> {
  const directory = await mkdtemp(join(tmpdir(), 'prometheus-bench-'));
  const port = await freePort();
  await writeFile(join(directory, 'prometheus.yml'), 'global: {scrape_interval: 1h}\n');
  const flags = [
    `--config.file=${join(directory, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--web.enable-remote-write-receiver',
    '--log.level=error',
  ];
  return started(spawn('/usr/bin/prometheus', flags, { stdio: 'ignore' }), {
    name: 'prometheus',
    directory,
    port,
    writePath: '/api/v1/write',
    readyPath: '/-/ready',
  });
}

export async function startVictoriaMetrics(): Promise<Target> {
  const directory = await mkdtemp(join(tmpdir(), 'victoria-bench-'));
  const port = await freePort();
  const flags = [`-storageDataPath=${join(directory, 'data')}`, `-httpListenAddr=127.0.0.1:${port}`];
  return started(spawn('/usr/bin/victoria-metrics', flags, { stdio: 'ignore' }), {
    name: 'victoria-metrics',
    directory,
    port,
    writePath: '/api/v1/write',
    readyPath: '/health',
  });
}

interface StartedAs {
  readonly name: Target['name'];
  readonly directory: string;
  readonly port: number;
  readonly writePath: string;
  readonly readyPath: string;
}

async function started(child: ChildProcess, as: StartedAs): Promise<Target> {
  const base = `http://127.0.0.1:${as.port}`;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  let hasEnded = false;
  void ended.then(() => (hasEnded = true));
  await ready(`${base}${as.readyPath}`, () => hasEnded);
  return {
    name: as.name,
    pid: child.pid ?? 0,
    directory: as.directory,
    base,
    writePath: as.writePath,
    async stop(signal) {
      child.kill(signal);
      await ended;
    },
    remove: () => rm(as.directory, { recursive: true, force: true }),
  };
}

async function ready(url: string, hasEnded: () => boolean): Promise<void> {
  const deadline = Date.now() + 120_000;
  for (;;) {
    if (hasEnded()) throw new Error(`${url}: the process ended before it was ready`);
    const isReady = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (isReady) return;
    if (Date.now() > deadline) throw new Error(`${url}: not ready after two minutes`);
    await new Promise((resolve) => {
      setTimeout(resolve, CLOCK_MS);
    });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

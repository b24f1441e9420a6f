import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort, OmoiServer } from '../../tests/acceptance/support/omoi-process.ts';

/** A whole server under measurement: a process of its own that takes remote write and answers PromQL. */
export interface Target {
  readonly name: 'omoi' | 'prometheus' | 'victoria-metrics';
  readonly pid: number;
  readonly directory: string;
  readonly base: string;
  /** What stands before `api/v1/`. */
  readonly prefix: string;
  /** What every request has to carry. */
  readonly headers: Readonly<Record<string, string>>;
  /** From the command until it takes requests. */
  readonly startMs: number;
  /** Ends the process as its owner would, or at once, and waits for the end. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** A new process on the same data. */
  restart(): Promise<Target>;
  /** Removes its data. */
  remove(): Promise<void>;
}

const TICKS_PER_SECOND = 100;
const START_LIMIT_MS = 120_000;
const LOOK_EVERY_MS = 5;
const MAX_SERIES = 2_000_000;

/** Rules that every load has series for: one over ten series of the load, two over what `Probes` writes. */
const RULES = `
groups:
  - name: bench
    interval: 1s
    rules:
      - alert: LoadHigh
        expr: fleet_metric_7_value{agent_id=~"agent-00000[0-9]"} > 1e300
      - alert: ProbeHigh
        expr: probe_value > 1e300
      - record: bench:probe_value:max
        expr: max by (kind) (probe_value)
`;

export const INSTALLED = {
  prometheus: existsSync('/usr/bin/prometheus'),
  victoriaMetrics: existsSync('/usr/bin/victoria-metrics'),
};

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

/** `omoi serve` as people start it, with rules and nothing else configured. */
export async function startOmoi(): Promise<Target> {
  const directory = await mkdtemp(join(tmpdir(), 'omoi-bench-'));
  await writeFile(join(directory, 'rules.yml'), RULES);
  await writeFile(
    join(directory, 'omoi.yml'),
    `alerting: {rule_files: [${join(directory, 'rules.yml')}], disable: ['*']}\n` +
      `telemetry: {max_series: ${MAX_SERIES}}\nhttp: {max_body_bytes: 33554432}\n`,
  );
  return launchOmoi(directory, null);
}

async function launchOmoi(directory: string, knownToken: string | null): Promise<Target> {
  const startedAt = performance.now();
  const server = await OmoiServer.start(join(directory, 'data'), {
    configFile: join(directory, 'omoi.yml'),
    env: { OMOI_LOG_DESTINATION: join(directory, 'omoi.log'), ...nodeOptions() },
  });
  const token = knownToken ?? server.adminToken;
  return {
    name: 'omoi',
    pid: server.pid,
    directory,
    base: server.url,
    prefix: '/prometheus/',
    headers: { authorization: `Bearer ${token}` },
    startMs: performance.now() - startedAt,
    async stop(signal = 'SIGTERM') {
      await server.stop(signal);
    },
    restart: () => launchOmoi(directory, token),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** For a profile of the server: what `OMOI_BENCH_NODE_FLAGS` says. */
function nodeOptions(): Readonly<Record<string, string>> {
  const flags = process.env['OMOI_BENCH_NODE_FLAGS'];
  return flags === undefined ? {} : { OMOI_NODE_FLAGS: flags };
}

export async function startPrometheus(): Promise<Target> {
  const directory = await mkdtemp(join(tmpdir(), 'prometheus-bench-'));
  await writeFile(join(directory, 'rules.yml'), RULES);
  await writeFile(join(directory, 'prometheus.yml'), 'rule_files: [rules.yml]\n');
  const flags = (port: number): readonly string[] => [
    `--config.file=${join(directory, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--web.enable-remote-write-receiver',
    '--query.max-samples=200000000',
    '--log.level=error',
  ];
  return launch({
    name: 'prometheus',
    program: '/usr/bin/prometheus',
    directory,
    flags,
    readyPath: '/-/ready',
  });
}

export async function startVictoriaMetrics(): Promise<Target> {
  const directory = await mkdtemp(join(tmpdir(), 'victoria-bench-'));
  const flags = (port: number): readonly string[] => [
    `-storageDataPath=${join(directory, 'data')}`,
    `-httpListenAddr=127.0.0.1:${port}`,
    '-search.latencyOffset=0s',
    '-search.maxSamplesPerQuery=1000000000',
    '-loggerLevel=ERROR',
  ];
  const program = '/usr/bin/victoria-metrics';
  return launch({ name: 'victoria-metrics', program, directory, flags, readyPath: '/health' });
}

interface Launch {
  readonly name: Target['name'];
  readonly program: string;
  readonly directory: string;
  readonly flags: (port: number) => readonly string[];
  readonly readyPath: string;
}

/** A program of which one port is all it needs, ready. */
export async function launch(how: Launch): Promise<Target> {
  const port = await freePort();
  const startedAt = performance.now();
  const child = spawn(how.program, how.flags(port), { stdio: 'ignore', cwd: how.directory });
  const ended = once(child, 'exit');
  const base = `http://127.0.0.1:${port}`;
  await ready(`${base}${how.readyPath}`, child);
  return {
    name: how.name,
    pid: child.pid ?? 0,
    directory: how.directory,
    base,
    prefix: '/',
    headers: {},
    startMs: performance.now() - startedAt,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      await ended;
    },
    restart: () => launch(how),
    remove: () => rm(how.directory, { recursive: true, force: true }),
  };
}

async function ready(url: string, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${url}: the process ended before it was ready`);
    const isReady = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (isReady) return;
    if (performance.now() > deadline) throw new Error(`${url}: not ready after ${START_LIMIT_MS} ms`);
    await delay(LOOK_EVERY_MS);
  }
}

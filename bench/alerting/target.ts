import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../tests/acceptance/support/omoi-process.ts';
import { MeasuredServer } from '../incident/measured-server.ts';
import type { LoopReadings } from '../incident/watch-loop.ts';
import { cpuSeconds } from '../tsdb/target.ts';
import { routingText, ruleText, type Routing } from './routing.ts';

/** What tells people of alerts: Omoi, or Prometheus with an Alertmanager. */
export interface AlertingTarget {
  readonly name: 'omoi' | 'prometheus + alertmanager';
  /** Takes remote write. */
  readonly write: Address;
  /** Takes alerts, as Alertmanager's API does. */
  readonly alerts: Address;
  /** User and system time of all its processes so far. */
  readonly cpuSeconds: () => number;
  /** The event loop since the last take; null where there is none. */
  readonly takeLoop: () => Promise<LoopReadings | null>;
  stop(): Promise<void>;
}

export interface Address {
  readonly url: string;
  readonly path: string;
  readonly token: string | null;
}

export interface TargetOptions {
  readonly routing: Routing;
  /** How often the peers evaluate their rules: Omoi does with each sample. */
  readonly evaluationInterval: string;
}

export type StartTarget = (options: TargetOptions) => Promise<AlertingTarget>;

const PROGRAMS = { prometheus: '/usr/bin/prometheus', alertmanager: '/usr/bin/prometheus-alertmanager' };
const READY_LIMIT_MS = 60_000;

/** Whether Debian's packages `prometheus` and `prometheus-alertmanager` are there. */
export const arePeersInstalled = Object.values(PROGRAMS).every((program) => existsSync(program));

export async function startOmoi({ routing }: TargetOptions): Promise<AlertingTarget> {
  const directory = await mkdtemp(join(tmpdir(), 'omoi-bench-alerting-'));
  const file = (name: string): string => join(directory, name);
  await writeFile(file('rules.yml'), ruleText('15s'));
  await writeFile(file('alertmanager.yml'), routingText(routing));
  await writeFile(
    file('omoi.yml'),
    `alerting: { rule_files: ['${file('rules.yml')}'], disable: ['*'] }\n` +
      `watchdog: { disable: ['*'] }\nnotification: { config_file: '${file('alertmanager.yml')}' }\n`,
  );
  const server = await MeasuredServer.start({
    dataDirectory: file('data'),
    configFile: file('omoi.yml'),
    workDirectory: directory,
    hurry: false,
    tokens: null,
  });
  const { url, tokens } = server;
  return {
    name: 'omoi',
    write: { url, path: '/prometheus/api/v1/write', token: tokens.admin },
    alerts: { url, path: '/alertmanager/api/v2/alerts', token: tokens.admin },
    cpuSeconds: () => server.cpuSeconds,
    takeLoop: () => server.take(),
    async stop() {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Both as their packages install them, without a cluster. */
export async function startPeers({ routing, evaluationInterval }: TargetOptions): Promise<AlertingTarget> {
  const directory = await mkdtemp(join(tmpdir(), 'prometheus-bench-alerting-'));
  const file = (name: string): string => join(directory, name);
  const [prometheusPort, alertmanagerPort] = [await freePort(), await freePort()];
  await writeFile(file('rules.yml'), ruleText(evaluationInterval));
  await writeFile(file('alertmanager.yml'), routingText(routing));
  await writeFile(
    file('prometheus.yml'),
    `global: { evaluation_interval: ${evaluationInterval} }\nrule_files: [rules.yml]\n` +
      `alerting: { alertmanagers: [{ static_configs: [{ targets: ['127.0.0.1:${alertmanagerPort}'] }] }] }\n`,
  );
  const alertmanager = await launch(directory, `http://127.0.0.1:${alertmanagerPort}/-/ready`, [
    PROGRAMS.alertmanager,
    `--config.file=${file('alertmanager.yml')}`,
    `--storage.path=${file('alertmanager')}`,
    `--web.listen-address=127.0.0.1:${alertmanagerPort}`,
    '--cluster.listen-address=',
    '--log.level=error',
  ]);
  const prometheus = await launch(directory, `http://127.0.0.1:${prometheusPort}/-/ready`, [
    PROGRAMS.prometheus,
    `--config.file=${file('prometheus.yml')}`,
    `--storage.tsdb.path=${file('prometheus')}`,
    `--web.listen-address=127.0.0.1:${prometheusPort}`,
    '--web.enable-remote-write-receiver',
    '--log.level=error',
  ]);
  const programs = [prometheus, alertmanager];
  return {
    name: 'prometheus + alertmanager',
    write: { url: `http://127.0.0.1:${prometheusPort}`, path: '/api/v1/write', token: null },
    alerts: { url: `http://127.0.0.1:${alertmanagerPort}`, path: '/api/v2/alerts', token: null },
    cpuSeconds: () => programs.reduce((sum, { pid = 0 }) => sum + cpuSeconds(pid), 0),
    takeLoop: () => Promise.resolve(null),
    async stop() {
      await Promise.all(
        programs.map(async (program) => {
          const ended = once(program, 'exit');
          program.kill('SIGKILL');
          await ended;
        }),
      );
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function launch(
  cwd: string,
  readyUrl: string,
  [program = '', ...args]: readonly string[],
): Promise<ChildProcess> {
  const child = spawn(program, args, { stdio: 'ignore', cwd });
  const deadline = performance.now() + READY_LIMIT_MS;
  const isReady = (): Promise<boolean> =>
    fetch(readyUrl).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isReady())) {
    if (child.exitCode !== null) throw new Error(`${program} ended before it was ready`);
    if (performance.now() > deadline) throw new Error(`${program} was not ready in ${READY_LIMIT_MS} ms`);
    await delay(20);
  }
  return child;
}

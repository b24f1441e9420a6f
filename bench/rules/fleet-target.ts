import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MeasuredServer } from '../incident/measured-server.ts';
import type { LoopReadings } from '../incident/watch-loop.ts';
import { cpuSeconds, launch, memoryOf } from '../tsdb/target.ts';
import { Client } from '../tsdb/requests.ts';

/** A whole server that takes remote write and evaluates rules. */
export interface RuleTarget {
  readonly name: 'omoi' | 'prometheus';
  readonly client: Client;
  /** User and system time so far. */
  readonly cpuSeconds: () => number;
  readonly residentBytes: () => number;
  /** The event loop since the last take; null where there is none. */
  readonly takeLoop: () => Promise<LoopReadings | null>;
  /** Has it evaluate these rules from now on. */
  readonly load: (rules: string) => Promise<void>;
  readonly stop: () => Promise<void>;
}

const NO_RULES = 'groups: []\n';

export async function startOmoi(): Promise<RuleTarget> {
  const directory = await mkdtemp(join(tmpdir(), 'omoi-bench-rules-'));
  const file = (name: string): string => join(directory, name);
  await writeFile(file('rules.yml'), NO_RULES);
  await writeFile(
    file('omoi.yml'),
    `alerting: { rule_files: ['${file('rules.yml')}'], disable: ['*'] }\n` +
      `watchdog: { disable: ['*'] }\ntelemetry: { max_series: 500000 }\n`,
  );
  const server = await MeasuredServer.start({
    dataDirectory: file('data'),
    configFile: file('omoi.yml'),
    workDirectory: directory,
    hurry: false,
    tokens: null,
  });
  const client = new Client({
    name: 'omoi',
    base: server.url,
    prefix: '/prometheus/',
    headers: { authorization: `Bearer ${server.tokens.admin}` },
  });
  return {
    name: 'omoi',
    client,
    cpuSeconds: () => server.cpuSeconds,
    residentBytes: () => memoryOf(server.pid).residentBytes,
    takeLoop: () => server.take(),
    async load(rules) {
      await writeFile(file('rules.yml'), rules);
      await client.post('/-/reload', {});
    },
    async stop() {
      client.close();
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** As its package installs it. */
export async function startPrometheus(): Promise<RuleTarget> {
  const directory = await mkdtemp(join(tmpdir(), 'prometheus-bench-rules-'));
  const file = (name: string): string => join(directory, name);
  await writeFile(file('rules.yml'), NO_RULES);
  await writeFile(file('prometheus.yml'), 'rule_files: [rules.yml]\n');
  const target = await launch({
    name: 'prometheus',
    program: '/usr/bin/prometheus',
    directory,
    flags: (port) => [
      `--config.file=${file('prometheus.yml')}`,
      `--storage.tsdb.path=${file('data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-remote-write-receiver',
      '--web.enable-lifecycle',
      '--log.level=error',
    ],
    readyPath: '/-/ready',
  });
  const client = new Client(target);
  return {
    name: 'prometheus',
    client,
    cpuSeconds: () => cpuSeconds(target.pid),
    residentBytes: () => memoryOf(target.pid).residentBytes,
    takeLoop: () => Promise.resolve(null),
    async load(rules) {
      await writeFile(file('rules.yml'), rules);
      await client.post('/-/reload', {});
    },
    async stop() {
      client.close();
      await target.stop('SIGKILL');
      await target.remove();
    },
  };
}

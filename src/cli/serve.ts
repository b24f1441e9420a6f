import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { messageOf } from '#telemetry';
import {
  DEMO_WORKERS,
  demoConfig,
  demoPools,
  loadConfig,
  readConfigFile,
  startServer,
  type Config,
  type RunningOmoi,
} from '#server';

export interface ServeOptions {
  readonly configFile: string | null;
  readonly demo: boolean;
  readonly strict: boolean;
  readonly version: string;
  /** Called when the server is up. */
  readonly onStarted: () => void;
}

const DASHBOARD = fileURLToPath(new URL('../../dashboard/dist', import.meta.url));
const DOCS = fileURLToPath(new URL('../../docs', import.meta.url));
/** Whatever file the server makes is its owner's alone. */
const PRIVATE_UMASK = 0o077;
const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** Further signals within this time are the same Ctrl-C, told by the terminal and by a parent. */
const SAME_STOP_MS = 1000;

/** Until those who wait for an answer, and the log, have heard why the server ends. */
const LAST_WORDS_MS = 250;

/** So long a fenced server says on /readyz that it is: whoever sends requests here asks every second or so. */
const FENCED_MS = 2000;
/** EX_TEMPFAIL (sysexits.h): a later start succeeds once the other server has gone. */
const EXIT_FENCED = 75;

/** Serves until a signal says stop, or the server can't go on. */
export async function serve({ configFile, demo, strict, version, onStarted }: ServeOptions): Promise<void> {
  const startedAt = performance.now();
  // Agents work for people: their files have the rights that the person who started the server gives to new files.
  const workerUmask = process.umask(PRIVATE_UMASK);
  // One that is there now has to be there at a reload, too: else what it says would be lost in silence.
  const file = readConfigFile(configFile)?.name ?? null;
  const readConfig = (): Config => configOf(loadConfig({ file, environment: process.env }), demo);
  const config = readConfig();
  const dataDirectory = resolve(config.data_directory);
  const reloads = reloadsBySignal();
  const running = await startServer({
    config,
    readConfig,
    configFile: file,
    version,
    extraPools: () => (demo ? demoPools(dataDirectory, process.env['NODE_COMPILE_CACHE']) : []),
    agentsOnStop: demo ? 'end' : 'work_on',
    dashboardDirectory: DASHBOARD,
    docsDirectory: DOCS,
    environment: process.env,
    workerUmask,
    isStrict: strict,
  });
  onStarted();
  const text = banner(running, {
    demo,
    version,
    log: config.log.destination,
    startMs: performance.now() - startedAt,
  });
  if (demo || process.stdout.isTTY) process.stdout.write(text);
  // Log lines own the standard output; the token and the link are shown this once all the same.
  else if (running.firstAdmin) process.stderr.write(text);
  reloads.reach(running);
  const ended = await Promise.race([stopSignal(), running.broken]);
  const broken = typeof ended === 'string' ? null : ended;
  if (broken?.code === 'server_fenced') {
    process.stderr.write(`omoi: ${broken.message}\n`);
    await delay(FENCED_MS);
    process.exit(EXIT_FENCED);
  }
  if (broken) {
    process.stderr.write(`omoi: ${broken.message}; start Omoi again: what is on disk holds\n`);
    await delay(LAST_WORDS_MS);
    // No orderly stop: it would write what memory holds, which may not be what is on disk.
    process.exit(1);
  }
  if (demo) process.stdout.write('stopping the server and the demo fleet …\n');
  const leftBehind = await running.stop(`signal ${String(ended)}`);
  // The log names them; what they hold open would keep the process from ending.
  if (leftBehind.length > 0) process.exit(1);
}

/** A person who watches the demo wants to see what happens, not log lines: those go to a file. */
function configOf(loaded: Config, demo: boolean): Config {
  if (!demo) return loaded;
  const { destination } = loaded.log;
  const logFile = destination === 'stdout' ? `${resolve(loaded.data_directory)}/omoi.log` : destination;
  return { ...demoConfig(loaded), log: { ...loaded.log, destination: logFile } };
}

interface BannerFacts {
  readonly demo: boolean;
  readonly version: string;
  readonly log: string;
  readonly startMs: number;
}

function banner(running: RunningOmoi, { demo, version, log, startMs }: BannerFacts): string {
  const { parts, firstAdmin } = running;
  const policies = parts.watchdog.policies.list();
  const modes = [...new Set(policies.map((policy) => policy.mode))].join(', ');
  const rules = parts.alerting.rules.groups.reduce((sum, group) => sum + group.rules.length, 0);
  const lines = [
    `omoi ${version}  ${running.url}  (ready after ${(startMs / 1000).toFixed(1)} s)`,
    firstAdmin
      ? `  log in     ${running.url}/login?code=${firstAdmin.loginCode}  (works once)`
      : `  log in     \`${commandOfOmoi()} token login\` makes a link that works once`,
    ...(running.urlForOthers === null ? [] : [elsewhere(running.urlForOthers, firstAdmin)]),
    ...(firstAdmin ? [`  admin      ${firstAdmin.token}  (shown this once)`] : []),
    `  data       ${running.dataDirectory}  (state in ${running.database === 'sqlite' ? 'SQLite' : 'PostgreSQL'})`,
    `  telemetry  ${running.otlpUrl === null ? 'OTLP is off' : `OTLP on ${running.otlpUrl}`}, remote write on ${running.url}/prometheus/api/v1/write`,
    `  watching   ${demo ? `${DEMO_WORKERS} workers, their source and a feeder, by ` : ''}${amount(rules, 'rule', 'rules')}, ${amount(policies.length, 'policy', 'policies')}${modes === '' ? '' : ` (${modes})`}`,
    ...(running.sharedUser === null ? [] : [`  warning    ${running.sharedUser}`]),
    ...running.warnings().map(({ message }) => `  warning    ${message}`),
    ...whoIsTold(parts.notification.receivers(), log),
    `  next       ${nextStep({ demo, dataDirectory: running.dataDirectory })}`,
    `  Ctrl-C stops the server${demo ? ' and the demo fleet' : ''}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** So many receivers are named. */
const RECEIVERS_NAMED = 3;

/** Where the log is, and who hears of alerts or how somebody could. */
function whoIsTold(
  receivers: ReturnType<RunningOmoi['parts']['notification']['receivers']>,
  log: string,
): readonly string[] {
  const named = receivers.filter(({ integrations }) => integrations.length > 0).map(({ name }) => name);
  if (named.length === 0)
    return [
      `  log        ${log}; alerts are told there and on the dashboard: add receivers by OMOI_NOTIFICATION_CONFIG_FILE=alertmanager.yml`,
    ];
  const others = named.length - RECEIVERS_NAMED;
  const names = [...named.slice(0, RECEIVERS_NAMED), ...(others > 0 ? [`${others} more`] : [])];
  return [
    `  telling    ${amount(named.length, 'receiver', 'receivers')}: ${names.join(', ')}`,
    `  log        ${log}`,
  ];
}

/** The same for who sits at another machine. */
function elsewhere(url: string, firstAdmin: RunningOmoi['firstAdmin']): string {
  return firstAdmin
    ? `  elsewhere  ${url}/login?code=${firstAdmin.loginCode}  (the same link, from other machines)`
    : `  elsewhere  ${url}  (from other machines)`;
}

/** In a checkout there is no `omoi` in the path. */
function commandOfOmoi(): string {
  return isCheckout() ? 'bin/omoi' : 'npx omoi';
}

function isCheckout(): boolean {
  return existsSync(new URL('../../src/cli/main.ts', import.meta.url));
}

/** What a newcomer may do now. */
function nextStep({
  demo,
  dataDirectory,
}: {
  readonly demo: boolean;
  readonly dataDirectory: string;
}): string {
  if (!demo) return `watch a program of yours: ${commandOfOmoi()} run --pool mine -- COMMAND`;
  const here = dataDirectory === resolve('.omoi') ? '' : ` --data-directory ${dataDirectory}`;
  return `watch it repair something, in another terminal: ${commandOfOmoi()} gameday run worker_hang${here}`;
}

function amount(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Until the server is up a signal is remembered: what has no listener for it ends the process. */
function reloadsBySignal(): { reach(running: Pick<RunningOmoi, 'reload'>): void } {
  let reached: Pick<RunningOmoi, 'reload'> | null = null;
  let isAsked = false;
  const reload = (): void => {
    isAsked = reached === null;
    reached
      ?.reload()
      .catch((thrown: unknown) => process.stderr.write(`omoi: not reloaded: ${messageOf(thrown)}\n`));
  };
  process.on('SIGHUP', reload);
  return {
    reach(running) {
      reached = running;
      if (isAsked) reload();
    },
  };
}

function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let firstAt: number | null = null;
    for (const signal of STOP_SIGNALS) {
      process.on(signal, () => {
        firstAt ??= performance.now();
        if (performance.now() - firstAt > SAME_STOP_MS) process.exit(1);
        resolve(signal);
      });
    }
  });
}

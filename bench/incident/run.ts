import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { RefusedRequest } from '../load/connection.ts';
import { ConnectionPool } from '../load/connection-pool.ts';
import { PROBE_POOLS, probePool } from './alert-probe.ts';
import { copyOf, historyOf, type History } from './history/history.ts';
import { sizeOf, type Size } from './history/size.ts';
import { MeasuredServer, type Tokens } from './measured-server.ts';
import { Probes } from './probes.ts';
import { reachedOf, type BrokenRow, type Row } from './row.ts';
import { writeRuleFiles } from './rule-files.ts';
import { HOLD_POOLS, holdPool, RESTART_POOL } from './scenarios/alerts.ts';
import { fleetOf } from './scenarios/fleet.ts';
import { gauge } from './scenarios/telemetry.ts';
import { NOBODY_IS_TOLD, scaledRestMs, secondsUntil, type Incident, type Stage } from './stage.ts';

const CONNECTIONS = 64;
/** An uninvolved alert that is acted upon this soon says that the incident is over. */
const WELL_MS = 500;
const WELL_PATIENCE_MS = 60_000;
/** After a forced collection, so that it is not felt in what comes next. */
const REST_MS = 2000;
/** Until what is compiled, cached and grown once is there: memory is compared after it. */
const WARM_UP_MS = 15_000;
const LONG = '3650d';
/** It beats: the silence of one that does not, beside that of others, is a storm, which would hold its restart back. */
const WORKER = [
  process.execPath,
  '--conditions=omoi-source',
  '--disable-warning=ExperimentalWarning',
  fileURLToPath(new URL('./worker.ts', import.meta.url)),
  String(process.pid),
];

/** How the server of an incident is started, where not all can happen on one. */
export interface Begin {
  /** Spans older than this are past their retention; none where absent. */
  readonly spansMs?: number;
  /** On a new copy of the history, with the series that are still to go; else the present data goes on being used. */
  readonly fresh?: 'with_series' | 'without_series';
}

/** Runs incidents one after the other on servers with history; rows come as they are there. */
export class IncidentRun {
  readonly scale: number;
  /** Of the history. */
  readonly size: Size;
  readonly #work = mkdtempSync(join(tmpdir(), 'omoi-bench-incident-'));
  readonly #report: (row: Row | BrokenRow) => void;
  readonly #history: History;
  #copies = 0;
  #data: { readonly directory: string; tokens: Tokens | null } | null = null;
  #stage: Stage | null = null;

  private constructor(
    { scale, size, history }: { readonly scale: number; readonly size: Size; readonly history: History },
    report: (row: Row | BrokenRow) => void,
  ) {
    this.scale = scale;
    this.size = size;
    this.#history = history;
    this.#report = report;
  }

  /** @param scale of the incidents, and of the history where they are not told apart */
  static async create(
    { scale, historyScale }: { readonly scale: number; readonly historyScale: number },
    report: (row: Row | BrokenRow) => void,
  ): Promise<IncidentRun> {
    const size = sizeOf(historyScale);
    return new IncidentRun({ scale, size, history: await historyOf(size) }, report);
  }

  get #routingFile(): string {
    return join(this.#work, 'alertmanager.yml');
  }

  get history(): History {
    return this.#history;
  }

  /** Starts a server, the probes and what they need; what ran before is stopped. */
  async begin({ spansMs, fresh }: Begin): Promise<Stage> {
    await this.#endStage(fresh === undefined ? 'used_again' : 'left');
    if (fresh !== undefined || !this.#data) this.#data = this.#freshData(fresh ?? 'without_series');
    const data = this.#data;
    const server = await MeasuredServer.start({
      dataDirectory: data.directory,
      configFile: this.#writeConfig(spansMs ?? null),
      workDirectory: this.#work,
      hurry: this.scale < 1,
      tokens: data.tokens,
    });
    const isNew = data.tokens === null;
    data.tokens = server.tokens;
    const connections = await ConnectionPool.open(server.url, server.tokens.admin, CONNECTIONS);
    if (isNew) await createPools(connections);
    const fleet = fleetOf(this.scale);
    const setup = { url: server.url, tokens: server.tokens, fleet, isFresh: isNew };
    const probes = await Probes.start(setup);
    const routingFile = this.#routingFile;
    this.#stage = { scale: this.scale, history: this.#history, server, probes, routingFile, connections };
    await delay(scaledRestMs(this.#stage, WARM_UP_MS));
    return this.#stage;
  }

  /** One row: what the incident did to those who have nothing to do with it. A server that broke is replaced. */
  async measure(incident: Incident): Promise<Row | BrokenRow> {
    const row = await this.#measured(incident).catch(async (error: unknown): Promise<BrokenRow> => {
      const why = error instanceof Error ? error.message : String(error);
      await this.begin({ fresh: 'without_series' });
      return { row: incident.name, scale: this.scale, broke: why };
    });
    this.#report(row);
    if ('well_after_s' in row && row.well_after_s === null) await this.begin({ fresh: 'without_series' });
    return row;
  }

  async end(): Promise<void> {
    await this.#endStage('left');
    rmSync(this.#work, { recursive: true, force: true, maxRetries: 5 });
  }

  async #measured({ name, prepare, run }: Incident): Promise<Row> {
    const stage = this.#stage ?? (await this.begin({}));
    const { server, probes } = stage;
    await prepare?.(stage);
    await isWell(probes);
    const before = await seen(stage);
    await delay(scaledRestMs(stage, REST_MS));
    const cpuBefore = server.cpuSeconds;
    await server.take();
    await probes.begin();
    const happened = await run(stage);
    const loop = await server.take();
    const window = await probes.end();
    const cpu = server.cpuSeconds - cpuBefore;
    const wellAfter = await isWell(probes);
    await delay(scaledRestMs(stage, REST_MS));
    const after = await seen(stage);
    const memory = { before, after };
    return {
      row: name,
      scale: stage.scale,
      happened,
      loop,
      probes: window,
      server_cpu_seconds: Number(cpu.toFixed(1)),
      memory,
      well_after_s: wellAfter,
      reached: reachedOf({ loop, probes: window, memory }),
    };
  }

  #freshData(series: 'with_series' | 'without_series'): { directory: string; tokens: null } {
    if (this.#data) rmSync(this.#data.directory, { recursive: true, force: true, maxRetries: 5 });
    const directory = join(this.#work, `data-${++this.#copies}`);
    copyOf(this.#history, directory);
    if (series === 'without_series') rmSync(join(directory, 'tsdb'), { recursive: true, force: true });
    return { directory, tokens: null };
  }

  #writeConfig(spansMs: number | null): string {
    const files = writeRuleFiles(this.#work, this.size.rules);
    const spans = spansMs === null ? LONG : `${Math.ceil(spansMs)}ms`;
    const file = join(this.#work, 'omoi.yaml');
    writeFileSync(this.#routingFile, NOBODY_IS_TOLD);
    writeFileSync(
      file,
      `alerting: {rule_files: [${files.rules}], disable: ['*']}\n` +
        `watchdog: {policy_files: [${files.policies}], disable: ['*']}\n` +
        `telemetry: {max_series: 3000000}\n` +
        `notification: {config_file: ${this.#routingFile}}\n` +
        `retention: {events: ${LONG}, alerts: ${LONG}, remediations: ${LONG}, spans: ${spans}}\n`,
    );
    return file;
  }

  /** Workers outlive their server: with data that nobody uses again, what runs goes before the server does. */
  async #endStage(data: 'used_again' | 'left'): Promise<void> {
    const stage = this.#stage;
    this.#stage = null;
    if (!stage) return;
    const { server, probes, connections } = stage;
    await probes.stop();
    if (data === 'left' && server.isRunning) await removeRestartPool(connections);
    connections.close();
    await server.stop();
  }
}

/** What the server holds in memory: after a forced collection, and of how many series. */
async function seen(stage: Stage): Promise<Row['memory']['before']> {
  const series = await gauge(stage, 'omoi_tsdb_series');
  return { ...(await stage.server.memory()), series };
}

/** Whether an uninvolved alert was acted upon just now, and soon: seconds until it is so, null where not in time. */
function isWell(probes: Probes): Promise<number | null> {
  return secondsUntil(async () => {
    const newest = await probes.newest();
    return newest !== null && newest.agoMs < 1000 && newest.tookMs < WELL_MS;
  }, WELL_PATIENCE_MS);
}

/** Pools in which nothing is started (they have no room), pools with room for one, and one with an agent that can be started anew. */
async function createPools(connections: ConnectionPool): Promise<void> {
  const idle = { command: ['true'], desired: 0, min: 0, max: 0 };
  // A remediation adds one, and holds the others back while it is verified.
  const held = { command: WORKER, desired: 0, min: 0, max: 1 };
  const one = { command: WORKER, desired: 1, min: 0, max: 1 };
  const pools = [
    ...Array.from({ length: PROBE_POOLS }, (_, number) => ({ pool_id: probePool(number), ...idle })),
    ...Array.from({ length: HOLD_POOLS }, (_, number) => ({ pool_id: holdPool(number), ...held })),
  ];
  await Promise.all(pools.map((pool) => connections.post('/api/v1/fleet/pools', pool)));
  await connections.post('/api/v1/fleet/pools', { pool_id: RESTART_POOL, ...one });
}

/** Stops its agent; where the server can't do that, the agent ends by itself when the bench has. */
async function removeRestartPool(connections: ConnectionPool): Promise<void> {
  const path = `/api/v1/fleet/pools/${RESTART_POOL}`;
  try {
    await connections.send({ method: 'DELETE', path });
    await secondsUntil(async () => {
      await connections.send({ method: 'GET', path });
      return false;
    });
  } catch (error) {
    if (error instanceof RefusedRequest && error.status === 404) return;
    console.error(`the pool ${RESTART_POOL} was not removed: ${String(error)}`);
  }
}

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { remoteWrite } from '../incident/samples.ts';
import { ConnectionPool } from '../load/connection-pool.ts';
import { percentile, round } from '../tsdb/numbers.ts';
import type { AlertingTarget } from './target.ts';
import type { Webhooks } from './webhooks.ts';

export interface LatencyOptions {
  /** So many alerts, one after the other. */
  readonly alerts: number;
  readonly everyMs: number;
  /** What flows in beside them. */
  readonly samplesPerSecond: number;
}

export type Measured = Readonly<Record<string, number | string | boolean | null>>;

const LOAD = fileURLToPath(new URL('./load-process.ts', import.meta.url));
/** Until what is compiled and grown once is there. */
const WARM_UP_ALERTS = 20;
const PATIENCE_MS = 30_000;

/** From the request with a sample to the last byte of the message about its alert, in ms. */
export async function measureLatency(
  target: AlertingTarget,
  webhooks: Webhooks,
  { alerts, everyMs, samplesPerSecond }: LatencyOptions,
): Promise<Measured> {
  const connections = await ConnectionPool.open(target.write.url, target.write.token, 2);
  const write = (units: readonly string[], value: number): Promise<unknown> =>
    connections.send({
      ...remoteWrite(units.map((unit) => ({ metric: 'unit_trouble', labels: { unit }, value }))),
      path: target.write.path,
    });
  const units = Array.from({ length: WARM_UP_ALERTS + alerts }, (_, number) => `unit-${number}`);
  await write(units, 0);
  const load = await steadyLoad(target, samplesPerSecond);
  webhooks.forget();
  const sentAtMs = new Map<string, number>();
  let cpuBefore = 0;
  let startedAt = 0;
  for (const [number, unit] of units.entries()) {
    if (number === WARM_UP_ALERTS) {
      await webhooks.told(WARM_UP_ALERTS, PATIENCE_MS);
      await target.takeLoop();
      cpuBefore = target.cpuSeconds();
      startedAt = performance.now();
    }
    // Not in step with an interval of evaluations.
    await delay(everyMs * (0.5 + Math.random()));
    sentAtMs.set(unit, performance.now());
    await write([unit], 1);
  }
  await webhooks.told(units.length, PATIENCE_MS);
  const loop = await target.takeLoop();
  const cpu = target.cpuSeconds() - cpuBefore;
  const seconds = (performance.now() - startedAt) / 1000;
  const samples = load.samples();
  await load.stop();
  connections.close();
  const tookMs = units.slice(WARM_UP_ALERTS).flatMap((unit) => {
    const toldAtMs = webhooks.toldAtMs.get(unit);
    return toldAtMs === undefined ? [] : [toldAtMs - (sentAtMs.get(unit) ?? NaN)];
  });
  return {
    alerts,
    told: tookMs.length,
    p50_ms: round(percentile(tookMs, 0.5)),
    p99_ms: round(percentile(tookMs, 0.99)),
    max_ms: round(Math.max(...tookMs)),
    samples_per_s: Math.round(samples),
    cpu_share: round(cpu / seconds),
    ...(loop && { longest_cpu_ms: loop.longest_cpu_ms, longest_wall_ms: loop.longest_wall_ms }),
  };
}

interface SteadyLoad {
  /** A second, as the server took them. */
  samples(): number;
  stop(): Promise<void>;
}

/** Resolves when the server has taken a second of it. */
async function steadyLoad(target: AlertingTarget, samplesPerSecond: number): Promise<SteadyLoad> {
  if (samplesPerSecond === 0) return { samples: () => 0, stop: () => Promise.resolve() };
  const given = JSON.stringify({ address: target.write, samplesPerSecond });
  const child: ChildProcess = fork(LOAD, [given], { execArgv: process.execArgv });
  let taken = 0;
  child.on('message', () => taken++);
  await once(child, 'message');
  const startedAt = performance.now();
  taken = 0;
  return {
    samples: () => (taken * samplesPerSecond * 1000) / (performance.now() - startedAt),
    async stop() {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
}

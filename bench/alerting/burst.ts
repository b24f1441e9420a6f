import { setTimeout as delay } from 'node:timers/promises';
import { remoteWrite } from '../incident/samples.ts';
import { ConnectionPool } from '../load/connection-pool.ts';
import { percentile, round } from '../tsdb/numbers.ts';
import type { Measured } from './latency.ts';
import type { AlertingTarget } from './target.ts';
import type { Webhooks } from './webhooks.ts';

export interface BurstOptions {
  readonly alerts: number;
  readonly groups: number;
  /** `rule`: samples raise them; `post`: they are posted, as a Prometheus does. */
  readonly by: 'rule' | 'post';
}

const OVER_MS = 1000;
/** As many as Prometheus posts at once. */
const ALERTS_PER_POST = 64;
const SAMPLES_PER_WRITE = 500;
const PATIENCE_MS = 60_000;
const CONNECTIONS = 8;

/** All fire within a second, and are told to one who answers and to one who never does. */
export async function measureBurst(
  target: AlertingTarget,
  webhooks: Webhooks,
  { alerts, groups, by }: BurstOptions,
): Promise<Measured> {
  const units = Array.from({ length: alerts }, (_, number) => ({
    group: `g${number % groups}`,
    unit: `unit-${number}`,
  }));
  const address = by === 'rule' ? target.write : target.alerts;
  const connections = await ConnectionPool.open(address.url, address.token, CONNECTIONS);
  const write = (some: typeof units, value: number): Promise<unknown> =>
    connections.send({
      ...remoteWrite(some.map((labels) => ({ metric: 'unit_trouble', labels, value }))),
      path: address.path,
    });
  const post = (some: typeof units): Promise<unknown> =>
    connections.post(
      address.path,
      some.map((labels) => ({
        labels: { alertname: 'UnitTrouble', severity: 'error', ...labels },
        annotations: { summary: `${labels.unit} is in trouble (1)` },
        startsAt: new Date().toISOString(),
        endsAt: new Date(Date.now() + 240_000).toISOString(),
      })),
    );
  if (by === 'rule') await inPieces(units, SAMPLES_PER_WRITE, 0, (some) => write(some, 0));
  webhooks.forget();
  await target.takeLoop();
  const cpuBefore = target.cpuSeconds();
  const startedAt = performance.now();
  await (by === 'rule'
    ? inPieces(units, SAMPLES_PER_WRITE, OVER_MS, (some) => write(some, 1))
    : inPieces(units, ALERTS_PER_POST, OVER_MS, post));
  const takenMs = performance.now() - startedAt;
  const isTold = await webhooks.told(alerts, PATIENCE_MS);
  const toldMs = [...webhooks.toldAtMs.values()].map((atMs) => atMs - startedAt);
  const loop = await target.takeLoop();
  const cpu = target.cpuSeconds() - cpuBefore;
  connections.close();
  return {
    alerts,
    groups,
    taken_after_s: round(takenMs / 1000),
    told: toldMs.length,
    told_p50_s: round(percentile(toldMs, 0.5) / 1000),
    told_after_s: isTold ? round(Math.max(...toldMs) / 1000) : null,
    messages: webhooks.messages,
    cpu_s: round(cpu),
    ...(loop && {
      loop_cpu_s: loop.cpu_seconds,
      longest_cpu_ms: loop.longest_cpu_ms,
      longest_cpu_gc_ms: loop.longest_cpu_gc_ms,
      over_10_ms: loop.over_10_ms,
      over_50_ms: loop.over_50_ms,
    }),
  };
}

/** Sends all, evenly over a time. */
async function inPieces<One>(
  all: readonly One[],
  size: number,
  overMs: number,
  send: (some: One[]) => Promise<unknown>,
): Promise<void> {
  const sent: Promise<unknown>[] = [];
  const startedAt = performance.now();
  for (let from = 0; from < all.length; from += size) {
    const pauseMs = startedAt + (overMs * from) / all.length - performance.now();
    if (pauseMs > 0) await delay(pauseMs);
    sent.push(send(all.slice(from, from + size)));
  }
  await Promise.all(sent);
}

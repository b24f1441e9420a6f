import { setTimeout as delay } from 'node:timers/promises';
import { ConnectionPool } from '../load/connection-pool.ts';
import { percentile, round } from '../tsdb/numbers.ts';
import type { Measured } from './latency.ts';
import type { AlertingTarget } from './target.ts';
import type { Webhooks } from './webhooks.ts';

export interface SilencesOptions {
  readonly alerts: number;
  readonly groups: number;
  readonly silences: number;
}

const ALERTS_PER_POST = 500;
const CONNECTIONS = 4;
const PATIENCE_MS = 60_000;
/** Each group is looked at again some times. */
const AFTER_MS = 5_000;

/** Silences by a regular expression each, which silence none of many alerts: each alert is held against all of them. */
export async function measureSilences(
  target: AlertingTarget,
  webhooks: Webhooks,
  { alerts, groups, silences }: SilencesOptions,
): Promise<Measured> {
  const { url, path, token } = target.alerts;
  const connections = await ConnectionPool.open(url, token, CONNECTIONS);
  const units = Array.from({ length: alerts }, (_, number) => number);
  for (let from = 0; from < alerts; from += ALERTS_PER_POST) {
    await connections.post(
      path,
      units.slice(from, from + ALERTS_PER_POST).map((number) => ({
        labels: {
          alertname: 'UnitTrouble',
          severity: 'error',
          group: `g${number % groups}`,
          unit: `unit-${number}.example.org:9090`,
        },
        endsAt: new Date(Date.now() + 600_000).toISOString(),
      })),
    );
  }
  await webhooks.told(alerts, PATIENCE_MS);
  await target.takeLoop();
  const tookMs: number[] = [];
  const create = async (number: number): Promise<void> => {
    const startedAt = performance.now();
    await connections.post(path.replace(/alerts$/, 'silences'), {
      matchers: [{ name: 'unit', value: `(web|unit)-[0-9]*${number}x.*`, isRegex: true, isEqual: true }],
      startsAt: new Date().toISOString(),
      endsAt: new Date(Date.now() + 600_000).toISOString(),
      createdBy: 'bench',
      comment: 'none',
    });
    tookMs.push(performance.now() - startedAt);
  };
  for (let number = 0; number < silences; number++) await create(number);
  const creating = await target.takeLoop();
  await delay(AFTER_MS);
  const after = await target.takeLoop();
  connections.close();
  return {
    alerts,
    groups,
    silences,
    created_p50_ms: round(percentile(tookMs, 0.5)),
    created_p99_ms: round(percentile(tookMs, 0.99)),
    ...(creating && { creating_longest_cpu_ms: creating.longest_cpu_ms }),
    ...(after && { after_longest_cpu_ms: after.longest_cpu_ms, after_loop_cpu_s: after.cpu_seconds }),
  };
}

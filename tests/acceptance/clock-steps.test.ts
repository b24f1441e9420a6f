import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig, startServer, type RunningOmoi } from '#server';
import { createSystemClock, type Clock } from '#telemetry';
import { Client } from './support/client.ts';
import { until } from './support/until.ts';

const HOUR_MS = 3_600_000;
const WITHIN_MS = 90_000;
const RULES = `groups:
  - name: mail
    interval: 5s
    rules:
      - alert: MailWaits
        expr: queue_depth{queue="mail"} > 10
`;

const directory = mkdtempSync(join(tmpdir(), 'omoi-clock-'));
let offsetMs = 0;
let server: RunningOmoi;
let token = '';
const client = (): Client => new Client(() => server.url, token);

const told: number[] = [];
/** A machine whose wall clock anybody may set. */
const system = createSystemClock();
const clock: Clock = { ...system, wallMs: () => system.wallMs() + offsetMs };

async function start(): Promise<void> {
  const rules = join(directory, 'rules.yaml');
  writeFileSync(rules, RULES);
  const environment = {
    OMOI_DATA_DIRECTORY: join(directory, 'data'),
    OMOI_HTTP_PORT: '0',
    OMOI_OTLP_PORT: '0',
    OMOI_LOG_DESTINATION: join(directory, 'omoi.log'),
    OMOI_ALERTING_RULE_FILES: JSON.stringify([rules]),
    OMOI_ALERTING_DISABLE: '["*"]',
  };
  server = await startServer({
    config: loadConfig({ file: null, environment }),
    version: 'test',
    extraPools: () => [],
    agentsOnStop: 'work_on',
    dashboardDirectory: join(directory, 'none'),
    docsDirectory: join(directory, 'none'),
    environment: process.env,
    clock,
  });
  token ||= server.firstAdmin?.token ?? '';
}

beforeAll(start);
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

/** An exporter on the same machine tells a value, and the time that the machine's clock shows. */
async function send(asInt: number): Promise<void> {
  told.push(asInt);
  const dataPoints = [
    {
      timeUnixNano: `${Math.floor(clock.wallMs())}000000`,
      asInt,
      attributes: [{ key: 'queue', value: { stringValue: 'mail' } }],
    },
  ];
  const body = {
    resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'queue_depth', gauge: { dataPoints } }] }] }],
  };
  const answer = await client().read<object>('/v1/metrics', { method: 'POST', body });
  expect(answer).toEqual({});
}

async function query(expression: string): Promise<readonly number[]> {
  const { data } = await client().read<{ data: { result: readonly { value: [number, string] }[] } }>(
    `/prometheus/api/v1/query?query=${encodeURIComponent(expression)}`,
  );
  return data.result.map(({ value }) => Number(value[1]));
}

/** Tells a value until a query sees it as the newest. */
const tell = (value: number): Promise<unknown> =>
  until(
    async () => {
      await send(value);
      return (await query('queue_depth')).includes(value);
    },
    `rules see ${value}`,
    WITHIN_MS,
  );

/** Waits until a rule has looked at a value. */
const judged = (value: number): Promise<unknown> =>
  until(
    async () => {
      await send(value);
      return (await alerts()).some((alert) => Number(alert.value) === value);
    },
    `the alert has the value ${value}`,
    WITHIN_MS,
  );

interface AlertView {
  readonly state: string;
  readonly value: string;
  readonly cause: string | null;
}

const alerts = async (): Promise<readonly AlertView[]> =>
  (await client().read<{ alerts: readonly AlertView[] }>('/api/v1/alerts')).alerts;

describe('the alert of a series that a sender on the same machine sends', () => {
  it('goes on over a restart with the wall clock set back by an hour', async () => {
    await judged(20);
    // What Omoi notes of itself every 15 s.
    await until(
      async () => (await query('omoi_rules_dirty')).length > 0,
      'own metrics are stored',
      WITHIN_MS,
    );
    await server.stop();
    offsetMs -= HOUR_MS;
    await start();
    await tell(30);
    await judged(30);
    expect(await alerts()).toMatchObject([{ state: 'firing' }]);
    const { sample_clock_lead_seconds: lead } = await client().read<{ sample_clock_lead_seconds: number }>(
      '/api/v1/overview',
    );
    expect(lead).toBeGreaterThan(3500);
  });

  it.each([
    ['back by an hour', -HOUR_MS],
    ['forward by half an hour', HOUR_MS / 2],
    ['forward by three hours', 3 * HOUR_MS],
    ['back by five minutes', -300_000],
  ])('goes on while the wall clock is set %s', async (name, byMs) => {
    const value = 40 + name.length;
    offsetMs += byMs;
    await tell(value);
    await judged(value);
    expect(await alerts()).toMatchObject([{ state: 'firing' }]);
  });

  it('and is told by nothing else when it ends', async () => {
    await tell(1);
    await until(
      async () => (await alerts()).every(({ state }) => state === 'resolved'),
      'resolved',
      WITHIN_MS,
    );
    expect(await alerts()).toMatchObject([{ state: 'resolved', cause: 'recovered' }]);
    // Own metrics are noted every 15 s.
    const refused = 'last_over_time(omoi_tsdb_samples_refused_total[6h])';
    await until(async () => (await query(refused)).length > 0, 'own metrics are stored', WITHIN_MS);
    expect(await query(refused)).toEqual([0]);
  });

  it('and all that was told stays readable', async () => {
    expect(await query('max_over_time(queue_depth[6h])')).toEqual([Math.max(...told)]);
    expect(await query('min_over_time(queue_depth[6h])')).toEqual([1]);
    expect(await query('count_over_time(queue_depth[6h]) >= ' + String(told.length))).toHaveLength(1);
  });
});

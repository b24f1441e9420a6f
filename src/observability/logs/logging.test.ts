import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestTelemetryDatabase, type TelemetryDatabase } from '#storage';
import { SelfMetrics, VirtualClock } from '#telemetry';
import { createLogStore, type LogStore } from './log-store.ts';
import { createLogging, type Logging } from './logging.ts';
import { listDayTables } from './day-tables.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const TRACEPARENT = `00-${TRACE}-b7ad6b7169203331-01`;
const DAY_MS = 86_400_000;
const startMs = Date.UTC(2026, 10, 22, 23, 59);

let clock: VirtualClock;
let database: TelemetryDatabase;
let store: LogStore;
let logging: Logging;
let directory: string;
let file: string;

beforeEach(async () => {
  clock = new VirtualClock(startMs);
  database = await openTestTelemetryDatabase(clock, 'none');
  store = createLogStore(database, clock);
  directory = mkdtempSync(join(tmpdir(), 'omoi-log-'));
  file = join(directory, 'deep', 'omoi.log');
  logging = createLogging({
    level: 'info',
    destination: file,
    serviceName: 'omoi',
    clock,
    metrics: new SelfMetrics(),
  });
});
afterEach(async () => {
  await logging.stop();
  await database.close();
  rmSync(directory, { recursive: true });
});

describe('logging', () => {
  it('writes JSON lines to the file and keeps them, with the ids of their trace', async () => {
    const logger = logging.logger('watchdog');
    logger.info({ traceparent: TRACEPARENT, policy: 'scale' }, 'a remediation started');
    logger.debug({}, 'too detailed for this level');
    logging.storeIn(store);
    await logging.stop();
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual([
      {
        level: 'info',
        time: '2026-11-22T23:59:00.000Z',
        component: 'watchdog',
        traceparent: TRACEPARENT,
        policy: 'scale',
        trace_id: TRACE,
        span_id: 'b7ad6b7169203331',
        message: 'a remediation started',
      },
    ]);
    expect((await store.search({ limit: 10 })).found).toEqual([
      {
        atMs: startMs,
        level: 'info',
        component: 'watchdog',
        serviceName: 'omoi',
        message: 'a remediation started',
        traceId: TRACE,
        spanId: 'b7ad6b7169203331',
        fields: { traceparent: TRACEPARENT, policy: 'scale' },
      },
    ]);
  });

  it('refuses a file that cannot be opened, before anything is lost in it', () => {
    const options = { level: 'info', serviceName: 'omoi', clock, metrics: new SelfMetrics() } as const;
    expect(() => createLogging({ ...options, destination: directory })).toThrow('cannot be opened');
  });
});

describe('the log store', () => {
  beforeEach(async () => {
    logging.storeIn(store);
    const agents = logging.logger('fleet');
    const rules = logging.logger('alerting');
    agents.info({ agent_id: 'coder-1' }, 'An agent registered');
    await clock.advance(30_000);
    rules.warn({ traceparent: TRACEPARENT }, 'a rule took long');
    await clock.advance(60_000);
    agents.error({ agent_id: 'coder-2' }, 'a spawn failed: 100%_sure');
    await logging.flush();
  });

  it.each([
    ['all, the newest first', {}, ['a spawn failed: 100%_sure', 'a rule took long', 'An agent registered']],
    ['a number across days', { limit: 2 }, ['a spawn failed: 100%_sure', 'a rule took long']],
    ['a level and above', { level: 'warn' as const }, ['a spawn failed: 100%_sure', 'a rule took long']],
    ['text, whatever its case', { text: 'AGENT reg' }, ['An agent registered']],
    ['text with signs that mean something to SQL', { text: '100%_s' }, ['a spawn failed: 100%_sure']],
    ['text of the fields', { text: 'coder-1' }, ['An agent registered']],
    ['a trace', { traceId: TRACE }, ['a rule took long']],
    ['a component', { component: 'alerting' }, ['a rule took long']],
    ['another service', { serviceName: 'shop' }, []],
    ['from a time', { fromMs: startMs + 90_000 }, ['a spawn failed: 100%_sure']],
    ['up to a time', { toMs: startMs + 29_999 }, ['An agent registered']],
  ])('finds %s', async (_what, query, expected) => {
    const { found } = await store.search({ limit: 10, ...query });
    expect(found.map((entry) => entry.message)).toEqual(expected);
  });

  it('keeps a table a day and drops those that are wholly past', async () => {
    expect(await listDayTables(database)).toEqual(['logs_20261123', 'logs_20261122']);
    const job = store.retention(DAY_MS);
    const endOfFirstDay = Date.UTC(2026, 10, 23);
    expect(await job.run(endOfFirstDay + DAY_MS - 1, new AbortController().signal)).toBe(0);
    expect(await job.run(endOfFirstDay + DAY_MS, new AbortController().signal)).toBe(2);
    expect(await listDayTables(database)).toEqual(['logs_20261123']);
    expect((await store.search({ limit: 10 })).found).toHaveLength(1);
  });

  it('keeps what others send, at the time of arrival where theirs cannot be true', async () => {
    const record = {
      severityNumber: 17,
      severityText: 'Error',
      serviceName: 'shop',
      traceId: TRACE,
      spanId: null,
      attributes: { cart: 7 },
    };
    await store.receive([
      { ...record, atMs: clock.wallMs() - 1000, message: 'on time' },
      { ...record, atMs: 0, message: 'from 1970' },
    ]);
    const { found } = await store.search({ limit: 10, serviceName: 'shop' });
    expect(found).toMatchObject([
      {
        message: 'from 1970',
        atMs: clock.wallMs(),
        level: 'error',
        fields: { cart: 7, severity_text: 'Error', claimed_time_ms: 0 },
      },
      { message: 'on time', atMs: clock.wallMs() - 1000, traceId: TRACE },
    ]);
  });
});

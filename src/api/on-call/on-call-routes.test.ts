import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEventBus } from '#eventbus';
import {
  createCheckedNetwork,
  OnCallOverrides,
  prepareNotification,
  readConfigurationFile,
  type PreparedNotification,
} from '#notification';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { createSeededRandom, SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import type { Role } from '../access/roles.ts';
import { callBelow, startTestApi, type TestAnswer, type TestApi } from '../api.test-support.ts';
import { registerOnCallRoutes } from './on-call-routes.ts';
import { maxDurationMs } from './on-call-schemas.ts';

const PAGE = readFileSync(new URL('../../../docs/alerting/on-call.md', import.meta.url), 'utf8');
/** Whoever is on call is told, as the page has it; each receiver writes to an address of its own. */
const TEXT = [...PAGE.matchAll(/^```yaml\n(.*?)^```/gms)]
  .map(([, text = '']) => text)
  .find((text) => text.includes('on_call: infra'))
  ?.replaceAll(
    /^ {2}- name: (ada|grace|lead)$/gm,
    "  - { name: $1, webhook_configs: [{ url: 'http://$1.test' }] }",
  );
const HOUR = 3_600_000;

let clock: VirtualClock;
let database: StateDatabase;
let bus: ReturnType<typeof createEventBus>;
let overrides: OnCallOverrides;
let prepared: PreparedNotification;
let api: TestApi;

beforeEach(async () => {
  // A Tuesday, 20:00 in Berlin.
  clock = new VirtualClock(Date.parse('2026-12-01T19:00:00Z'));
  database = await openTestStateDatabase(clock);
  const base = { database, clock, random: createSeededRandom(3) };
  bus = createEventBus({ ...base, logger: silentLogger, metrics: new SelfMetrics() });
  overrides = new OnCallOverrides({ ...base, bus });
  await overrides.start();
  const configuration = await readConfigurationFile(
    { name: 'alertmanager.yml', text: TEXT ?? '', directory: '/' },
    {
      files: { list: () => Promise.resolve([]), read: () => Promise.reject(new Error('no file')) },
    },
  );
  prepared = prepareNotification(configuration, {
    logger: silentLogger,
    toolsOf: () => ({
      clock,
      random: base.random,
      http: { request: () => Promise.reject(new Error('no network')) },
      network: createCheckedNetwork([], () => Promise.reject(new Error('no network'))),
      readSecret: () => Promise.reject(new Error('no file')),
    }),
    maintenanceOf: () => null,
    silences: {
      silencesOf: () => [],
      *lookUp() {
        // There are none.
      },
    },
    overrides,
    clock,
  });
  api = await startTestApi({
    register: (app) => registerOnCallRoutes(app, { overrides, clock, onCall: () => prepared.onCall }),
  });
});
afterEach(async () => {
  await api.close();
  await bus.stop();
  await database.close();
});

const call = (line: string, payload?: object, role: Role = 'operator'): Promise<TestAnswer> =>
  callBelow('/api/v1/alerts/on-call', api, { role, line, ...(payload && { payload }) });

const told = (): readonly string[] => prepared.routing.integrationsOf('infra').map(({ key }) => key);

async function shown(query = ''): Promise<unknown> {
  const answer = await call(`GET ${query}`, undefined, 'viewer');
  expect(answer.status).toBe(200);
  return answer.body['schedules'];
}

describe('GET /api/v1/alerts/on-call', () => {
  it('says who is on call, by which receiver, until when, and who is next', async () => {
    expect(await shown()).toMatchObject([
      {
        schedule: 'infra',
        time_zone: 'Europe/Berlin',
        on_call: { person: 'ada', receiver: 'ada', override_id: null, layer: 0 },
        next: { at: '2026-12-02T08:00:00.000Z', on_call: { person: 'lin', receiver: 'lead', layer: 1 } },
        overrides: [],
      },
    ]);
    expect(told()).toEqual(['ada/webhook/0']);
  });

  it('says it for another time', async () => {
    expect(await shown('?at=2026-12-09T19:00:00Z')).toMatchObject([{ on_call: { person: 'grace' } }]);
    expect(await shown('?at=2026-11-01T19:00:00Z')).toMatchObject([{ on_call: null }]);
  });
});

describe('who is told in the place of a receiver', () => {
  it('was told at another time as the schedule says of that', () => {
    const at = (iso: string) =>
      prepared.routing.integrationsOf('infra', Date.parse(iso)).map(({ key }) => key);
    expect(at('2026-12-09T19:00:00Z')).toEqual(['grace/webhook/0']);
    expect(at('2026-12-01T19:00:00Z')).toEqual(told());
  });

  it('follows the schedule', async () => {
    const seen: string[] = [];
    for (let hours = 0; hours < 14 * 24; hours += 12) {
      seen.push(told().join());
      await clock.advance(12 * HOUR);
    }
    expect([...new Set(seen)]).toEqual(['ada/webhook/0', 'grace/webhook/0']);
    await clock.advance(-(clock.wallMs() % (24 * HOUR)) + 34 * HOUR);
    expect(told()).toEqual(['lead/webhook/0']);
  });

  it('is somebody else under an override, over a restart, and the schedule’s when it ends or is taken away', async () => {
    const added = await call('POST /overrides', {
      schedule: 'infra',
      person: 'grace',
      duration_ms: HOUR,
      comment: 'ada is on a train',
    });
    expect([added.status, added.body]).toMatchObject([
      201,
      { person: 'grace', ends_at: '2026-12-01T20:00:00.000Z', created_by: 'the operator' },
    ]);
    expect(told()).toEqual(['grace/webhook/0']);
    expect(await shown()).toMatchObject([
      { on_call: { person: 'grace', layer: null }, next: { on_call: { person: 'ada' } }, overrides: [{}] },
    ]);
    const again = new OnCallOverrides({ database, bus, clock, random: createSeededRandom(4) });
    await again.start();
    expect(again.at('infra', clock.wallMs(), () => true)?.person).toBe('grace');
    await clock.advance(HOUR);
    expect(told()).toEqual(['ada/webhook/0']);
    const other = await call('POST /overrides', {
      schedule: 'infra',
      person: 'lin',
      ends_at: '2026-12-02T00:00:00Z',
    });
    expect(told()).toEqual(['lead/webhook/0']);
    expect((await call(`DELETE /overrides/${String(other.body['id'])}`)).status).toBe(200);
    expect(told()).toEqual(['ada/webhook/0']);
    const events = await bus.list({ limit: 10 });
    expect(
      events.flatMap((event) =>
        event.event_type === 'notification.on_call.overridden'
          ? `${event.payload.person} ${event.payload.removed_by}`
          : [],
      ),
    ).toEqual(['grace null', 'lin null', 'lin the operator']);
  });
});

describe('an override is refused', () => {
  const good = { schedule: 'infra', person: 'grace', duration_ms: HOUR };

  it.each([
    [maxDurationMs, 201],
    [maxDurationMs + 1, 400],
  ])(`of %i ms, of ${maxDurationMs} at most, with %i`, async (duration, status) => {
    expect((await call('POST /overrides', { ...good, duration_ms: duration })).status).toBe(status);
  });

  it.each<readonly [string, object, number, string]>([
    ['for a schedule that is not there', { ...good, schedule: 'infa' }, 404, 'unknown_on_call'],
    ['for a person that is not there', { ...good, person: 'eve' }, 404, 'unknown_on_call'],
    [
      'that ends before it begins',
      { ...good, starts_at: '2026-12-03T00:00:00Z', duration_ms: undefined, ends_at: '2026-12-02T00:00:00Z' },
      400,
      'invalid_override',
    ],
    [
      'that is over',
      { ...good, duration_ms: undefined, ends_at: '2026-11-02T00:00:00Z' },
      400,
      'invalid_override',
    ],
    ['that says no end', { schedule: 'infra', person: 'grace' }, 400, 'invalid_request'],
  ])('%s', async (_name, body, status, code) => {
    const answer = await call('POST /overrides', body);
    expect([answer.status, answer.body['error']]).toEqual([status, code]);
  });

  it('of somebody who only reads, and beyond 1,000', async () => {
    expect((await call('POST /overrides', good, 'viewer')).status).toBe(403);
    expect((await call('DELETE /overrides/ovr_unknown')).status).toBe(404);
    for (let count = 0; count < 1000; count++) {
      await overrides.add({
        schedule: 'infra',
        person: 'ada',
        startsAtMs: null,
        endsAtMs: clock.wallMs() + HOUR,
        comment: '',
        by: 'test',
      });
    }
    expect((await call('POST /overrides', good)).body['error']).toBe('invalid_override');
  });
});

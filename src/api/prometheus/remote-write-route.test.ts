import { once } from 'node:events';
import { request as httpRequest, type ClientRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createRemoteWriteReceiver } from '#ingest';
import {
  SelfMetrics,
  VirtualClock,
  createMatcher,
  createSeededRandom,
  silentLogger,
  type Labels,
} from '#telemetry';
import { createTsdb, type Tsdb } from '#tsdb';
import { encodeWriteRequest, snappy } from '../../../tests/remote-write-request.ts';
import { BodyBudget } from '../http/body-budget.ts';
import { startTestApi, type TestApi } from '../api.test-support.ts';
import { registerRemoteWriteRoutes } from './remote-write-route.ts';

const clock = new VirtualClock();
let served: TestApi;
let tsdb: Tsdb;
let bodies: BodyBudget;
const loggedErrors: unknown[] = [];

beforeEach(async () => {
  const selfMetrics = new SelfMetrics();
  tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics });
  const receiver = createRemoteWriteReceiver({
    sink: tsdb,
    clock,
    random: createSeededRandom(1),
    selfMetrics,
    isReserved: (name) => name === 'agent_heartbeats_missed',
  });
  bodies = new BodyBudget(20_000, selfMetrics);
  loggedErrors.length = 0;
  served = await startTestApi({
    logger: { ...silentLogger, error: (...logged) => void loggedErrors.push(logged) },
    register: (app) => registerRemoteWriteRoutes(app, { receiver, maxBodyBytes: 10_000, bodies }),
  });
});
afterEach(() => served.close());

const bodyOf = (labels: Labels, ageMs = 0): Buffer => {
  const samples = [{ timestampMs: clock.wallMs() - ageMs, value: 1 }];
  return Buffer.from(snappy(encodeWriteRequest([{ labels: Object.entries(labels), samples }])));
};

async function post(payload: Buffer, headers: Record<string, string> = {}) {
  return served.app.inject({
    method: 'POST',
    url: '/prometheus/api/v1/write',
    headers: {
      ...served.as('ingest'),
      'content-type': 'application/x-protobuf',
      'content-encoding': 'snappy',
      ...headers,
    },
    payload,
  });
}

test('a request is stored and answered with 204', async () => {
  const answer = await post(bodyOf({ __name__: 'm' }));
  expect(answer.statusCode).toBe(204);
  expect(answer.body).toBe('');
  const matchers = [createMatcher('__name__', '=', 'm')];
  expect(tsdb.select({ matchers, startMs: 0, endMs: clock.wallMs() })).toHaveLength(1);
});

test.each<[string, () => Buffer, Record<string, string>, number, string]>([
  ['what is no Snappy', () => Buffer.from([255, 255]), {}, 400, 'payload_undecodable'],
  ['a series without a name', () => bodyOf({ a: '1' }), {}, 400, 'labels_invalid'],
  ['an old sample', () => bodyOf({ __name__: 'm' }, 9e6), {}, 400, 'sample_refused'],
  ['too large a body', () => Buffer.alloc(20_000), {}, 413, 'body_too_large'],
  ['gzip', () => bodyOf({ __name__: 'm' }), { 'content-encoding': 'gzip' }, 415, 'unsupported_media_type'],
  [
    'JSON',
    () => bodyOf({ __name__: 'm' }),
    { 'content-type': 'application/json' },
    415,
    'unsupported_media_type',
  ],
  [
    'version 2',
    () => bodyOf({ __name__: 'm' }),
    { 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request' },
    415,
    'unsupported_media_type',
  ],
  ['nobody', () => bodyOf({ __name__: 'm' }), { authorization: '' }, 401, 'unauthenticated'],
])('%s is refused', async (_, payload, headers, status, error) => {
  const answer = await post(payload(), headers);
  expect(answer.json()).toMatchObject({ status: 'error', code: error });
  expect(answer.statusCode).toBe(status);
});

test('an empty encoding is a missing one', async () => {
  const answer = await post(bodyOf({ __name__: 'm' }), { 'content-encoding': '' });
  expect(answer.statusCode).toBe(204);
});

test.each(['ingest', 'operator', 'admin'] as const)(
  'what Omoi writes itself is not taken from %s',
  async (role) => {
    const forged = () => bodyOf({ __name__: 'agent_heartbeats_missed', agent_id: 'worker-1' });
    const matchers = [createMatcher('agent_id', '=', 'worker-1')];
    const answer = await post(forged(), served.as(role));
    expect(answer.statusCode).toBe(400);
    expect(answer.body).toContain('agent_heartbeats_missed is written by Omoi alone');
    expect(tsdb.select({ matchers, startMs: 0, endMs: clock.wallMs() })).toEqual([]);
  },
);

test('samples are no change that is audited, whoever sends them', async () => {
  expect((await post(bodyOf({ __name__: 'm' }), served.as('operator'))).statusCode).toBe(204);
  const audited = await served.app.inject({ url: '/api/v1/audit', headers: served.as('admin') });
  expect(audited.json()).toEqual([]);
});

describe('bodies of many senders at once', () => {
  const sendTo = (url: string, payload: Buffer): ClientRequest => {
    const headers = { ...served.as('ingest'), 'content-length': 9000 };
    const request = httpRequest(new URL('/prometheus/api/v1/write', url), { method: 'POST', headers });
    // Its connection is cut off in the end.
    request.on('error', () => undefined);
    request.write(payload);
    return request;
  };
  const used = async (bytes: number): Promise<void> => {
    await vi.waitFor(() => expect(bodies.usedBytes).toBe(bytes), { interval: 5 });
  };

  test('take no more memory than there is for them, whoever stalls', async () => {
    const url = await served.api.listen({ host: '127.0.0.1', port: 0 });
    const stalled = [Buffer.alloc(8000), Buffer.alloc(8000)].map((part) => sendTo(url, part));
    await used(16_000);
    const [refused] = await once(sendTo(url, Buffer.alloc(8000)), 'response');
    expect(refused).toMatchObject({ statusCode: 503, headers: { 'retry-after': '1' } });
    expect(await text(refused)).toContain('"code":"ingest_busy"');
    for (const request of stalled) request.destroy();
    await used(0);
    // Senders that go away are no failure of the server's own.
    expect(loggedErrors).toEqual([]);
    expect((await post(bodyOf({ __name__: 'm' }))).statusCode).toBe(204);
    await used(0);
  });
});

import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { Socket } from 'node:net';
import { gzipSync, deflateSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeError, encodingOf, type OtlpReceiver } from '#ingest';
import { SelfMetrics } from '#telemetry';
import { startTestApi, type TestApi } from '../api.test-support.ts';
import { BodyBudget } from '../http/body-budget.ts';
import { registerOtlpRoutes } from './otlp-routes.ts';

const BODY = Buffer.from('{"resourceMetrics":[]}');
const MAX_BODY_BYTES = 1_000_000;
const MAX_DECODED_BYTES = 2_000_000;
const MAX_BODIES_BYTES = 4_000_000;
/** Bodies that the receiver has been handed, in order; it answers when the gate opens. */
const received: Buffer[] = [];
let gate = Promise.resolve();
/** How many it has got memory for behind the gate. */
let workedOn = 0;
/** What the receiver takes for what it makes of a body. */
let madeBytes = 0;
let bodies: BodyBudget;
let served: TestApi;

beforeEach(async () => {
  received.length = 0;
  gate = Promise.resolve();
  madeBytes = 0;
  workedOn = 0;
  bodies = new BodyBudget(2 * MAX_BODIES_BYTES, new SelfMetrics());
  const receiver: Pick<OtlpReceiver, 'receive'> = {
    async receive({ body, take }) {
      received.push(Buffer.from(body));
      take(madeBytes);
      await gate;
      take(1);
      workedOn++;
      return Buffer.from('{}');
    },
  };
  served = await startTestApi({
    register: (app) =>
      registerOtlpRoutes(app, {
        receiver,
        encodingOf,
        encodeError,
        maxBodyBytes: MAX_BODY_BYTES,
        maxDecodedBytes: MAX_DECODED_BYTES,
        bodies: bodies.part(MAX_BODIES_BYTES),
      }),
  });
});
afterEach(() => served.close());

function post(payload: Buffer, contentEncoding: string) {
  const headers = { ...served.as('ingest'), 'content-type': 'application/json' };
  return served.app.inject({
    method: 'POST',
    url: '/v1/metrics',
    headers: { ...headers, 'content-encoding': contentEncoding },
    payload,
  });
}

/** Posts over a connection of its own; what it returns ends that. */
async function postUntilTold(payload: Buffer): Promise<() => Promise<void>> {
  const url = await served.api.listen({ host: '127.0.0.1', port: 0 });
  const headers = {
    ...served.as('ingest'),
    'content-type': 'application/json',
    'content-length': payload.length,
  };
  const connected = once(served.app.server, 'connection');
  const sending = httpRequest(new URL('/v1/metrics', url), { method: 'POST', headers });
  sending.on('error', () => undefined);
  sending.end(payload);
  const [connection] = (await connected) as [Socket];
  return async () => {
    const closed = once(connection, 'close');
    sending.destroy();
    await closed;
  };
}

const textOf = (letter: string, length: number): Buffer => Buffer.from(letter.repeat(length));
const receivedNow = (count: number): Promise<void> =>
  vi.waitFor(() => expect(received).toHaveLength(count), { interval: 5, timeout: 10_000 });

describe('the content encoding of an OTLP request', () => {
  const members = Buffer.concat([gzipSync(BODY.subarray(0, 5)), gzipSync(BODY.subarray(5))]);
  it.each([
    ['gzip', gzipSync(BODY)],
    ['GZIP', gzipSync(BODY)],
    [' gzip ', gzipSync(BODY)],
    ['x-gzip', gzipSync(BODY)],
    ['gzip', members],
    ['Deflate', deflateSync(BODY)],
    ['identity', BODY],
    ['', BODY],
  ])('%s is read', async (name, payload) => {
    expect((await post(payload, name)).statusCode).toBe(200);
    expect(received.map(String)).toEqual([BODY.toString()]);
  });

  it.each([
    ['gzip', gzipSync(textOf('a', 1_900_000))],
    ['gzip', Buffer.concat([gzipSync(textOf('a', 1_000_000)), gzipSync(textOf('a', 900_000))])],
    ['deflate', deflateSync(textOf('a', 1_900_000))],
  ])('%s of what is much larger then', async (name, payload) => {
    expect((await post(payload, name)).statusCode).toBe(200);
    expect(received[0]?.equals(textOf('a', 1_900_000))).toBe(true);
  });

  const cut = gzipSync(textOf('a', 5000)).subarray(0, -10);
  const lying = gzipSync(BODY);
  lying.writeUInt32LE(0xffffffff, lying.length - 4);
  it.each([
    ['one that is unknown', 'br', BODY, 415],
    ['a broken one', 'gzip', BODY, 400],
    ['one that is cut off', 'gzip', cut, 400],
    ['one that lies about its length', 'gzip', lying, 400],
    ['one that is empty', 'gzip', Buffer.alloc(0), 400],
    ['one that hides more than may be', 'gzip', gzipSync(Buffer.alloc(2_000_001)), 413],
    [
      'one in pieces that do',
      'gzip',
      Buffer.concat([gzipSync(Buffer.alloc(2_000_000)), gzipSync(BODY)]),
      413,
    ],
    ['deflate that does', 'deflate', deflateSync(Buffer.alloc(2_000_001)), 413],
    ['a body of more than may be', 'identity', Buffer.alloc(MAX_BODY_BYTES + 1), 413],
  ])('%s is refused', async (_, name, payload, status) => {
    expect((await post(payload, name)).statusCode).toBe(status);
    expect(received).toEqual([]);
    expect(bodies.usedBytes).toBe(0);
  });
});

describe('the content type of an OTLP request', () => {
  it.each([
    ['none', {}, 'without a content type'],
    ['an empty one', { 'content-type': '' }, 'a body without content type'],
    ['what is no type', { 'content-type': 'json' }, 'json'],
    ['another one', { 'content-type': 'text/plain' }, '"text/plain"'],
  ])('%s is answered with those that are read', async (_, headers, named) => {
    const answer = await served.app.inject({
      method: 'POST',
      url: '/v1/logs',
      headers: { ...served.as('ingest'), ...headers },
      payload: BODY,
    });
    expect([answer.statusCode, answer.json().error]).toEqual([415, 'unsupported_media_type']);
    const message = String(answer.json().message);
    expect(message).toContain(named);
    expect(message).toMatch(/application\/x-protobuf or application\/json/);
  });
});

it('telemetry is no change that is audited, whoever sends it', async () => {
  const headers = { ...served.as('operator'), 'content-type': 'application/json' };
  const answer = await served.app.inject({ method: 'POST', url: '/v1/logs', headers, payload: BODY });
  expect(answer.statusCode).toBe(200);
  const audited = await served.app.inject({ url: '/api/v1/audit', headers: served.as('admin') });
  expect(audited.json()).toEqual([]);
});

describe('many bodies at once', () => {
  it('large ones are worked on one after the other, and small ones do not wait', async () => {
    const opened = Promise.withResolvers<void>();
    gate = opened.promise;
    const large = ['a', 'b'].map((letter) => post(gzipSync(textOf(letter, 1_000_000)), 'gzip'));
    await receivedNow(1);
    const small = post(BODY, 'identity');
    await receivedNow(2);
    opened.resolve();
    expect((await Promise.all([...large, small])).map(({ statusCode }) => statusCode)).toEqual([
      200, 200, 200,
    ]);
    expect(received.map((body) => String(body.subarray(0, 1)))).toEqual(['a', '{', 'b']);
  });

  it('what they become counts: beyond the budget they are refused until there is room', async () => {
    const opened = Promise.withResolvers<void>();
    gate = opened.promise;
    // Claims less than it is, so that it need not wait for others.
    const sly = Buffer.concat([gzipSync(textOf('a', 1_800_000)), gzipSync(BODY)]);
    const first = post(sly, 'gzip');
    await receivedNow(1);
    expect(bodies.usedBytes).toBeGreaterThan(1_800_000);
    const others = [post(sly, 'gzip'), post(sly, 'gzip')];
    const refused = await Promise.race(others);
    expect(refused.statusCode).toBe(503);
    expect(refused.headers['retry-after']).toBe('1');
    expect(refused.json()).toMatchObject({
      code: 14,
      message: expect.stringContaining('maxIngestBodyBytes'),
    });
    expect(bodies.usedBytes).toBeLessThanOrEqual(MAX_BODIES_BYTES);
    // Others than senders of OTLP still find room.
    bodies.take(MAX_BODIES_BYTES);
    bodies.giveBack(MAX_BODIES_BYTES);
    opened.resolve();
    await Promise.all([first, ...others]);
    expect(bodies.usedBytes).toBe(0);
    expect((await post(sly, 'gzip')).statusCode).toBe(200);
  });

  it('what the receiver makes of them counts, and more than there is for all refuses the request for good', async () => {
    const opened = Promise.withResolvers<void>();
    gate = opened.promise;
    madeBytes = MAX_BODIES_BYTES / 2;
    const first = post(BODY, 'identity');
    await receivedNow(1);
    expect(bodies.usedBytes).toBe(madeBytes + BODY.length);
    const second = await post(BODY, 'identity');
    expect([second.statusCode, second.headers['retry-after']]).toEqual([503, '1']);
    opened.resolve();
    expect((await first).statusCode).toBe(200);
    madeBytes = MAX_BODIES_BYTES;
    expect((await post(BODY, 'identity')).statusCode).toBe(413);
    expect(bodies.usedBytes).toBe(0);
  });

  it('one whose sender has gone is not worked on', async () => {
    const opened = Promise.withResolvers<void>();
    gate = opened.promise;
    const first = post(textOf('a', 400_000), 'identity');
    await receivedNow(1);
    const leave = await postUntilTold(textOf('b', 400_000));
    await vi.waitFor(() => expect(bodies.usedBytes).toBe(800_000), { interval: 5, timeout: 10_000 });
    await leave();
    const third = post(textOf('c', 400_000), 'identity');
    opened.resolve();
    expect([(await first).statusCode, (await third).statusCode]).toEqual([200, 200]);
    expect(received.map((body) => String(body.subarray(0, 1)))).toEqual(['a', 'c']);
    await vi.waitFor(() => expect(bodies.usedBytes).toBe(0), { interval: 5, timeout: 10_000 });
  });

  it('one whose sender has gone while it waited in a line gets no memory', async () => {
    const opened = Promise.withResolvers<void>();
    gate = opened.promise;
    const leave = await postUntilTold(BODY);
    await receivedNow(1);
    await leave();
    opened.resolve();
    await vi.waitFor(() => expect(bodies.usedBytes).toBe(0), { interval: 5, timeout: 10_000 });
    expect(workedOn).toBe(0);
    expect((await post(BODY, 'identity')).statusCode).toBe(200);
    expect(workedOn).toBe(1);
  });
});

import { gzipSync, deflateSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeError, encodingOf, type OtlpReceiver } from '#ingest';
import { SelfMetrics } from '#telemetry';
import { startTestApi, type TestApi } from '../api.test-support.ts';
import { BodyBudget } from '../http/body-budget.ts';
import { registerOtlpRoutes } from './otlp-routes.ts';

const BODY = Buffer.from('{"resourceMetrics":[]}');
const received: string[] = [];
let served: TestApi;

beforeEach(async () => {
  received.length = 0;
  const receiver: Pick<OtlpReceiver, 'receive'> = {
    receive: ({ body }) => {
      received.push(Buffer.from(body).toString());
      return Promise.resolve(Buffer.from('{}'));
    },
  };
  served = await startTestApi({
    register: (app) =>
      registerOtlpRoutes(app, {
        receiver,
        encodingOf,
        encodeError,
        maxBodyBytes: 1000,
        maxDecodedBytes: 2000,
        bodies: new BodyBudget(10_000, new SelfMetrics()),
      }),
  });
});
afterEach(() => served.close());

async function post(payload: Buffer, contentEncoding: string): Promise<number> {
  const headers = { ...served.as('ingest'), 'content-type': 'application/json' };
  const answer = await served.app.inject({
    method: 'POST',
    url: '/v1/metrics',
    headers: { ...headers, 'content-encoding': contentEncoding },
    payload,
  });
  return answer.statusCode;
}

describe('the content encoding of an OTLP request', () => {
  it.each([
    ['gzip', gzipSync(BODY)],
    ['GZIP', gzipSync(BODY)],
    [' gzip ', gzipSync(BODY)],
    ['Deflate', deflateSync(BODY)],
    ['identity', BODY],
  ])('%s is read', async (name, payload) => {
    expect(await post(payload, name)).toBe(200);
    expect(received).toEqual([BODY.toString()]);
  });

  it.each([
    ['one that is unknown', 'br', BODY, 415],
    ['a broken one', 'gzip', BODY, 400],
    ['one that hides more than may be', 'gzip', gzipSync(Buffer.alloc(100_000)), 413],
  ])('%s is refused', async (_, name, payload, status) => {
    expect(await post(payload, name)).toBe(status);
    expect(received).toEqual([]);
  });
});

import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../api.test-support.ts';

const [MAX_BYTES, MAX_LARGE_BYTES] = [1_000_000, 600_000];

let served: TestApi;
let gate: PromiseWithResolvers<void>;
let handling: PromiseWithResolvers<void>;
/** Requests whose handlers wait at the gate. */
let waiting: number;

beforeEach(async () => {
  gate = Promise.withResolvers();
  handling = Promise.withResolvers();
  waiting = 0;
  served = await startTestApi({
    parts: {
      limits: { maxBodyBytes: 2_000_000 },
      bodyMemory: { maxRequestBodyBytes: MAX_BYTES, maxLargeRequestBodyBytes: MAX_LARGE_BYTES },
    },
    register: (app) =>
      app.post('/v1/body', { config: { access: ['admin'] } }, async (request) => {
        waiting++;
        handling.resolve();
        await gate.promise;
        waiting--;
        return { characters: JSON.stringify(request.body).length };
      }),
  });
});
afterEach(() => served.close());

const headers = () => ({ ...served.as('admin'), 'content-type': 'application/json' });
const post = (payload: string) =>
  served.app.inject({ method: 'POST', url: '/v1/body', headers: headers(), payload });
const textOf = (bytes: number): string => `"${'a'.repeat(bytes - 2)}"`;
const metric = (name: string): number =>
  served.metrics.collect().find((collected) => collected.name === name)?.points[0]?.value ?? 0;
const usedBytes = (): number => metric('omoi_http_body_bytes');

describe('the memory for the bodies of requests', () => {
  it('bounds large ones that come at once, leaves room for small ones, and is given back', async () => {
    const large = Array.from({ length: 10 }, () => post(textOf(200_000)));
    const refused = await Promise.race(large);
    expect([refused.statusCode, refused.headers['retry-after'], refused.json()]).toEqual([
      503,
      '1',
      {
        error: 'server_busy',
        message: expect.stringContaining('maxLargeRequestBodyBytes'),
        docs: '/docs/errors#server_busy',
      },
    ]);
    expect(usedBytes()).toBeLessThanOrEqual(MAX_LARGE_BYTES);
    const small = Array.from({ length: 6 }, () => post(textOf(60_000)));
    gate.resolve();
    expect((await Promise.all(small)).map(({ statusCode }) => statusCode)).toEqual(Array(6).fill(200));
    const codes = (await Promise.all(large)).map(({ statusCode }) => statusCode);
    expect(codes).toContain(200);
    expect(metric('omoi_http_bodies_refused_total')).toBe(codes.filter((code) => code === 503).length);
    expect(usedBytes()).toBe(0);
    expect((await post(textOf(500_000))).statusCode).toBe(200);
  });

  it('bounds small ones too', async () => {
    const small = Array.from({ length: 40 }, () => post(textOf(60_000)));
    const refused = await Promise.race(small);
    expect([refused.statusCode, refused.json().message]).toEqual([
      503,
      expect.stringContaining('maxRequestBodyBytes'),
    ]);
    expect(usedBytes()).toBeLessThanOrEqual(MAX_BYTES);
    gate.resolve();
    const codes = (await Promise.all(small)).map(({ statusCode }) => statusCode);
    expect(codes.filter((code) => code === 200).length).toBeGreaterThanOrEqual(10);
    expect(usedBytes()).toBe(0);
  });

  it('counts what JSON becomes', async () => {
    const one = post(`[${'{},'.repeat(5_000)}{}]`);
    await handling.promise;
    expect(usedBytes()).toBe(15_004 + 8 * (11 * 5_001 + 9));
    gate.resolve();
    await one;
    expect(usedBytes()).toBe(0);
  });

  it('refuses for good what finds no room when there is no other', async () => {
    for (const body of [textOf(700_000), `[${'{},'.repeat(30_000)}{}]`]) {
      const refused = await post(body);
      expect([refused.statusCode, refused.json().error]).toEqual([413, 'body_too_large']);
    }
    expect(usedBytes()).toBe(0);
  });

  it('is given back for what is refused', async () => {
    gate.resolve();
    for (const body of ['{', `{"__proto__":${textOf(100_000)}}`, `[1e999,${textOf(100_000)}]`]) {
      expect((await post(body)).statusCode).toBe(400);
    }
    expect(usedBytes()).toBe(0);
  });

  it('is kept while the handler works, though the sender has gone', async () => {
    const url = await served.api.listen({ host: '127.0.0.1', port: 0 });
    const sending = httpRequest(new URL('/v1/body', url), { method: 'POST', headers: headers() });
    sending.on('error', () => undefined);
    const connected = once(served.app.server, 'connection');
    sending.end(textOf(100_000));
    const [socket] = (await connected) as [Readable];
    const lost = once(socket, 'close');
    await handling.promise;
    sending.destroy();
    await lost;
    expect([waiting, usedBytes() >= 100_000]).toEqual([1, true]);
    gate.resolve();
    await expect.poll(usedBytes, { timeout: 30_000 }).toBe(0);
  });

  it('is given back where the sender stops in the middle', async () => {
    const url = await served.api.listen({ host: '127.0.0.1', port: 0 });
    const sending = httpRequest(new URL('/v1/body', url), {
      method: 'POST',
      headers: { ...headers(), 'content-length': 300_000 },
    });
    sending.on('error', () => undefined);
    sending.write('"'.padEnd(150_000, 'a'));
    await expect.poll(usedBytes, { timeout: 30_000 }).toBe(150_000);
    sending.destroy();
    await expect.poll(usedBytes, { timeout: 30_000 }).toBe(0);
    expect(waiting).toBe(0);
  });
});

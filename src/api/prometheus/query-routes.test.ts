import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  formOf,
  NOW,
  openPrometheusStage,
  success,
  type Form,
  type PrometheusStage,
} from './prometheus.test-support.ts';

let stage: PrometheusStage;

beforeAll(async () => {
  stage = await openPrometheusStage();
});

afterAll(() => stage.close());

/** Takes so many steps that the engine looks at its limits in between. */
const LONG_QUERY = 'sum_over_time(depth[1h:10ms])';

const depth = (queue: string, more: object) => ({ metric: { __name__: 'depth', queue }, ...more });

describe('a query', () => {
  it('is answered at one time, from a URL or from a form', async () => {
    const expected = success({
      resultType: 'vector',
      result: [depth('a', { value: [NOW, '0.30000000000000004'] }), depth('b', { value: [NOW, '+Inf'] })],
    });
    const parameters = { query: 'sort(depth)', time: String(NOW) };
    expect(await stage.get('query', parameters)).toEqual(expected);
    expect(await stage.post('query', parameters)).toEqual(expected);
    expect(await stage.get('query', { query: 'sort(depth)' })).toEqual(expected);
  });

  it('is answered over a range', async () => {
    const parameters = { query: 'depth', start: String(NOW - 30), end: '2026-11-22T12:00:00Z', step: '15s' };
    const points = (...values: string[]) => values.map((value, at) => [NOW - 30 + 15 * at, value]);
    expect(await stage.post('query_range', parameters)).toEqual(
      success({
        resultType: 'matrix',
        result: [
          depth('a', { values: points('1', '2', '0.30000000000000004') }),
          depth('b', { values: points('NaN', '1e+21', '+Inf') }),
        ],
      }),
    );
  });

  it('may look back otherwise, and be cut short', async () => {
    const later = { query: 'depth', time: String(NOW + 10) };
    const none = success({ resultType: 'vector', result: [] });
    expect(await stage.get('query', { ...later, lookback_delta: '5s' })).toEqual(none);
    expect((await stage.get('query', { ...later, limit: '1' })).body).toMatchObject({
      data: { result: [{}] },
      warnings: ['results truncated due to limit'],
    });
  });

  it('is answered with what was noticed', async () => {
    const { body } = await stage.get('query', {
      query: 'rate(depth[1m]) + on() group_left() vector(quantile(2, depth))',
    });
    expect(body).toMatchObject({ status: 'error' });
    expect((await stage.get('query', { query: 'quantile(2, depth)' })).body).toMatchObject({
      warnings: ['PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)'],
    });
    expect((await stage.get('query', { query: 'rate(depth[1m])' })).body['infos']).toHaveLength(1);
  });

  it('is answered with what it took, on demand', async () => {
    const range = { start: String(NOW - 30), end: String(NOW), step: '15' };
    const samplesOf = async (query: string, path = 'query', more: Form = {}) => {
      const { body } = await stage.get(path, { query, stats: 'all', ...more });
      return (body['data'] as { stats: { samples: unknown } }).stats.samples;
    };
    expect(await samplesOf('depth')).toMatchObject({ totalQueryableSamples: 2, samplesRead: 2 });
    expect(await samplesOf('depth[1m]')).toMatchObject({ totalQueryableSamples: 6, samplesRead: 6 });
    expect(await samplesOf('sum(depth)', 'query_range', range)).toMatchObject({ totalQueryableSamples: 6 });
    expect(await samplesOf('sum_over_time(depth[30s])', 'query_range', range)).toEqual({
      totalQueryableSamples: 10,
      samplesRead: 6,
      peakSamples: expect.any(Number),
    });
    expect(await samplesOf('max_over_time(depth[30s:5s])')).toMatchObject({ totalQueryableSamples: 12 });
    const { body } = await stage.get('query', { query: '1', stats: 'yes' });
    expect(body).toMatchObject({
      data: { resultType: 'scalar', stats: { timings: { execTotalTime: 0, execQueueTime: 0 } } },
      warnings: [expect.stringMatching(/^value "yes" for parameter "stats" is deprecated/)],
    });
    expect((await stage.get('query', { query: '1' })).body['data']).not.toHaveProperty('stats');
  });

  it('that is long comes whole, as a stream', async () => {
    const { body } = await stage.get('query_range', {
      query: 'depth{queue="a"} or label_replace(depth, "copy", "1", "", "")',
      start: String(NOW),
      end: String(NOW + 280),
      step: '0.1',
    });
    const { result } = body['data'] as { result: { values: unknown[] }[] };
    expect(result.map(({ values }) => values.length)).toEqual([2801, 2801, 2801]);
  });

  it('of exactly 11,000 steps is taken', async () => {
    const { status } = await stage.get('query_range', { query: '1', start: '0', end: '11000', step: '1' });
    expect(status).toBe(200);
  });

  it('that the data does not allow is 422', async () => {
    expect(await stage.get('query', { query: 'depth * on() depth' })).toMatchObject({
      status: 422,
      body: { status: 'error', errorType: 'execution', code: 'query_failed' },
    });
  });

  it('that takes too long is 503', async () => {
    const open = stage.gate.close();
    const answer = stage.get('query', { query: LONG_QUERY, timeout: '1s' });
    await stage.gate.asked.promise;
    await stage.clock.advance(2000);
    open();
    expect(await answer).toMatchObject({
      status: 503,
      body: { errorType: 'timeout', code: 'query_timeout' },
    });
  });

  it('ends when nobody waits for it any more', async () => {
    const url = await stage.served.api.listen({ host: '127.0.0.1', port: 0 });
    const open = stage.gate.close();
    const parameters = formOf({ query: LONG_QUERY });
    const client = request(`${url}/prometheus/api/v1/query?${parameters}`, {
      headers: stage.served.as('viewer'),
    });
    client.on('error', () => {});
    client.end();
    await stage.gate.asked.promise;
    stage.connectionEnded = Promise.withResolvers<void>();
    stage.sent.length = 0;
    client.destroy();
    await stage.connectionEnded.promise;
    open();
    await expect.poll(() => stage.sent).toEqual([499]);
  });
});

describe('a query as text', () => {
  it('is written well, or shown as a tree', async () => {
    expect(await stage.post('format_query', { query: 'sum  (depth )by(queue)' })).toEqual(
      success('sum by (queue) (depth)'),
    );
    expect((await stage.get('parse_query', { query: '-depth' })).body['data']).toMatchObject({
      type: 'unaryExpr',
    });
  });
});

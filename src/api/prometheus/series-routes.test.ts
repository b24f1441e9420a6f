import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  NOW,
  NOW_MS,
  openPrometheusStage,
  success,
  type PrometheusStage,
} from './prometheus.test-support.ts';

let stage: PrometheusStage;

beforeAll(async () => {
  stage = await openPrometheusStage();
});

afterAll(() => stage.close());

describe('what there is', () => {
  it('is found by selectors, some or one', async () => {
    const both = { 'match[]': ['depth{queue="a"}', '{"http.requests"}'] };
    const found = success([
      { __name__: 'depth', queue: 'a' },
      { __name__: 'http.requests', 'k8s.pod': 'p' },
    ]);
    expect(await stage.get('series', both)).toEqual(found);
    expect(await stage.post('series', both)).toEqual(found);
    expect(await stage.get('series', { 'match[]': 'nothing' })).toEqual(success([]));
    expect(await stage.get('series', { 'match[]': 'depth', start: String(NOW + 60) })).toEqual(success([]));
    const before = { start: String(NOW - 90), end: String(NOW - 31) };
    expect(await stage.get('series', { 'match[]': 'depth', ...before })).toEqual(success([]));
    expect(await stage.get('labels', before)).toEqual(success([]));
    const partly = { start: String(NOW - 90), end: String(NOW - 30) };
    expect(await stage.get('labels', partly)).toEqual(success(['__name__', 'queue']));
    expect(await stage.get('label/__name__/values', partly)).toEqual(success(['depth']));
  });

  it('has labels and values', async () => {
    expect(await stage.get('labels')).toEqual(success(['__name__', 'k8s.pod', 'queue']));
    expect(await stage.post('labels', { 'match[]': 'depth' })).toEqual(success(['__name__', 'queue']));
    expect(await stage.get('label/queue/values')).toEqual(success(['a', 'b']));
    expect(await stage.get('label/U__k8s_2e_pod/values')).toEqual(success(['p']));
    expect(await stage.get('label/k8s.pod/values', { 'match[]': 'depth' })).toEqual(success([]));
  });

  it('is found by selectors with regular expressions of a bounded size', async () => {
    const one = `{a=~"${'x{1000}'.repeat(5)}"}`;
    expect(await stage.post('series', { 'match[]': [one, one] })).toEqual(success([]));
    expect(await stage.post('series', { 'match[]': [one, one, '{b=~"[ab]"}'] })).toMatchObject({
      status: 422,
      body: { error: expect.stringContaining('size 10001, more than maxRegexSize (10000)') },
    });
  });

  it('is cut to a limit, with a warning', async () => {
    const warned = { warnings: ['results truncated due to limit'] };
    expect(await stage.get('label/queue/values', { limit: '1' })).toEqual(success(['a'], warned));
    expect(await stage.get('label/queue/values', { limit: '2' })).toEqual(success(['a', 'b']));
    expect(await stage.get('labels', { limit: '2' })).toEqual(success(['__name__', 'k8s.pod'], warned));
    const depths = { 'match[]': 'depth', limit: '1' };
    expect(await stage.get('series', depths)).toEqual(success([{ __name__: 'depth', queue: 'a' }], warned));
    expect(await stage.get('series', { ...depths, limit: '2' })).toMatchObject({ body: { data: [{}, {}] } });
    expect(await stage.get('series', { ...depths, limit: 'x' })).toMatchObject({ status: 400 });
  });

  it('has exemplars and descriptions', async () => {
    const parameters = { query: 'rate(depth[5m])', start: String(NOW - 60), end: String(NOW) };
    expect(await stage.get('query_exemplars', parameters)).toEqual(
      success([
        {
          seriesLabels: { __name__: 'depth', queue: 'a' },
          exemplars: [{ labels: { trace_id: 'abc' }, value: '0.25', timestamp: NOW - 0.5 }],
        },
      ]),
    );
    const before = stage.searched.times;
    const repeated = { ...parameters, query: `depth${' or depth'.repeat(50)} or other` };
    expect(await stage.get('query_exemplars', repeated)).toMatchObject({ body: { data: [{}] } });
    // Once for each selector that differs.
    expect(stage.searched.times - before).toBe(2);
    expect(await stage.get('query_exemplars', { query: 'nothing' })).toEqual(success([]));
    const url = '/prometheus/api/v1/query_exemplars?query=1';
    const none = await stage.served.app.inject({ method: 'GET', url, headers: stage.served.as('viewer') });
    expect([none.statusCode, none.body]).toEqual([204, '']);
    const described = success({ depth: [{ type: 'gauge', unit: 'tasks', help: 'How deep.' }] });
    expect(await stage.get('metadata')).toEqual(described);
    expect(await stage.get('metadata', { metric: 'other' })).toEqual(success({}));
  });

  it('has others have a turn before the exemplars of each selector', async () => {
    let turns = 0;
    const count = (): void => {
      turns++;
      next = setImmediate(count);
    };
    let next = setImmediate(count);
    const query = Array.from({ length: 100 }, (_, at) => `depth{queue!="${at}"}`).join(' + ');
    const before = stage.searched.times;
    const answer = await stage.get('query_exemplars', { query });
    clearImmediate(next);
    // What several selectors find is there once.
    expect(answer).toMatchObject({ status: 200, body: { data: { length: 1 } } });
    expect(stage.searched.times - before).toBe(100);
    expect(turns).toBeGreaterThanOrEqual(100);
    expect(await stage.get('query_exemplars', { query: `${query} + depth` })).toMatchObject({
      body: { error: expect.stringContaining('query: 101 selectors are more than maxSelectors (100)') },
    });
  });

  it('is counted', async () => {
    const { body } = await stage.get('status/tsdb', { limit: '1' });
    expect(body['data']).toMatchObject({
      headStats: { numSeries: 3, maxTime: NOW_MS },
      seriesCountByMetricName: [{ name: 'depth', value: 2 }],
    });
  });
});

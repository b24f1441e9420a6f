import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, queryLanguage as language } from '#promql';
import {
  type Labels,
  type Queryable,
  SampleBatch,
  SelfMetrics,
  silentLogger,
  VirtualClock,
} from '#telemetry';
import { createTsdb, type Tsdb } from '#tsdb';
import { startTestApi, type TestApi } from '../api.test-support.ts';
import { registerPrometheusQueryRoutes } from './query-routes.ts';
import { registerPrometheusSeriesRoutes } from './series-routes.ts';
import { registerPrometheusStatusRoutes } from './status-routes.ts';

const NOW_MS = Date.UTC(2026, 10, 22, 12, 0, 0);
const NOW = NOW_MS / 1000;
const clock = new VirtualClock(NOW_MS);
const facts = {
  version: '9.9.9',
  startedAtMs: NOW_MS - 1000,
  hostname: 'host',
  dataDirectory: '/data',
  cpuCount: 2,
  storageRetention: '15d or 10GiB',
  configYaml: 'global: {}\n',
  flags: { 'query.timeout': '2m' },
};

let served: TestApi;
let tsdb: Tsdb;
/** The status of every answer, also of those that nobody was there to take. */
const sent: number[] = [];

let connectionEnded = Promise.withResolvers<void>();

/** Stands before the store, so that a test can hold a query back in the middle. */
const gate = {
  asked: Promise.withResolvers<void>(),
  opened: Promise.resolve(),
  close(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    gate.asked = Promise.withResolvers<void>();
    gate.opened = promise;
    return resolve;
  },
};
const queryable: Queryable = {
  async select(selection) {
    gate.asked.resolve();
    await gate.opened;
    return tsdb.select(selection);
  },
};
/** Takes so many steps that the engine looks at its limits in between. */
const LONG_QUERY = 'sum_over_time(depth[1h:10ms])';

beforeAll(async () => {
  tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics: new SelfMetrics() });
  const batch = new SampleBatch();
  const add = (labels: Labels, values: readonly number[]): number => {
    const ref = tsdb.series(labels);
    values.forEach((value, at) => batch.add(ref, NOW_MS - (values.length - 1 - at) * 15_000, value));
    return ref;
  };
  const first = add({ __name__: 'depth', queue: 'a' }, [1, 2, 0.1 + 0.2]);
  add({ __name__: 'depth', queue: 'b' }, [NaN, 1e21, Infinity]);
  add({ __name__: 'http.requests', 'k8s.pod': 'p' }, [7]);
  const exemplar = { labels: { trace_id: 'abc' }, timestampMs: NOW_MS - 500, value: 0.25 };
  batch.addExemplar(first, exemplar);
  const receivedMonotonicMs = clock.monotonicMs();
  tsdb.commit(batch, { source: 'import', traceparent: null, receivedAtMs: NOW_MS, receivedMonotonicMs });
  tsdb.describe('depth', { type: 'gauge', help: 'How deep.', unit: 'tasks' });
  served = await startTestApi({
    register(app) {
      app.addHook('onSend', async (_request, reply) => void sent.push(reply.statusCode));
      app.addHook('onRequest', async (_request, reply) => {
        reply.raw.once('close', () => connectionEnded.resolve());
      });
      const engine = createEngine({ clock, timeoutMs: 60_000 });
      registerPrometheusQueryRoutes(app, { engine, language, queryable, clock });
      registerPrometheusSeriesRoutes(app, { engine, language, store: tsdb });
      registerPrometheusStatusRoutes(app, { store: tsdb, facts, clock });
    },
  });
});
afterAll(async () => {
  await served.close();
  await tsdb.stop();
});

type Form = Readonly<Record<string, string | readonly string[]>>;

function formOf(parameters: Form): string {
  const form = new URLSearchParams();
  for (const [name, given] of Object.entries(parameters)) {
    for (const value of [given].flat()) form.append(name, value);
  }
  return form.toString();
}

async function get(
  path: string,
  parameters: Form = {},
  headers: Record<string, string> = served.as('viewer'),
) {
  const url = `/prometheus/api/v1/${path}?${formOf(parameters)}`;
  const answer = await served.app.inject({ method: 'GET', url, headers });
  return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
}

async function post(path: string, parameters: Form, headers: Record<string, string> = served.as('viewer')) {
  const answer = await served.app.inject({
    method: 'POST',
    url: `/prometheus/api/v1/${path}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    payload: formOf(parameters),
  });
  return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
}

const success = (data: unknown, more: object = {}) => ({
  status: 200,
  body: { status: 'success', data, ...more },
});
const badData = (error: string) => ({ status: 400, body: { status: 'error', errorType: 'bad_data', error } });
const depth = (queue: string, more: object) => ({ metric: { __name__: 'depth', queue }, ...more });

describe('a query', () => {
  it('is answered at one time, from a URL or from a form', async () => {
    const expected = success({
      resultType: 'vector',
      result: [depth('a', { value: [NOW, '0.30000000000000004'] }), depth('b', { value: [NOW, '+Inf'] })],
    });
    const parameters = { query: 'sort(depth)', time: String(NOW) };
    expect(await get('query', parameters)).toEqual(expected);
    expect(await post('query', parameters)).toEqual(expected);
    expect(await get('query', { query: 'sort(depth)' })).toEqual(expected);
  });

  it('is answered over a range', async () => {
    const parameters = { query: 'depth', start: String(NOW - 30), end: '2026-11-22T12:00:00Z', step: '15s' };
    const points = (...values: string[]) => values.map((value, at) => [NOW - 30 + 15 * at, value]);
    expect(await post('query_range', parameters)).toEqual(
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
    expect(await get('query', { ...later, lookback_delta: '5s' })).toEqual(none);
    expect((await get('query', { ...later, limit: '1' })).body).toMatchObject({
      data: { result: [{}] },
      warnings: ['results truncated due to limit'],
    });
  });

  it('is answered with what was noticed', async () => {
    const { body } = await get('query', {
      query: 'rate(depth[1m]) + on() group_left() vector(quantile(2, depth))',
    });
    expect(body).toMatchObject({ status: 'error' });
    expect((await get('query', { query: 'quantile(2, depth)' })).body).toMatchObject({
      warnings: ['PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)'],
    });
    expect((await get('query', { query: 'rate(depth[1m])' })).body['infos']).toHaveLength(1);
  });

  it('is answered with what it took, on demand', async () => {
    const range = { start: String(NOW - 30), end: String(NOW), step: '15' };
    const samplesOf = async (query: string, path = 'query', more: Form = {}) => {
      const { body } = await get(path, { query, stats: 'all', ...more });
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
    const { body } = await get('query', { query: '1', stats: 'yes' });
    expect(body).toMatchObject({
      data: { resultType: 'scalar', stats: { timings: { execTotalTime: 0, execQueueTime: 0 } } },
      warnings: [expect.stringMatching(/^value "yes" for parameter "stats" is deprecated/)],
    });
    expect((await get('query', { query: '1' })).body['data']).not.toHaveProperty('stats');
  });

  it('that is long comes whole, as a stream', async () => {
    const { body } = await get('query_range', {
      query: 'depth{queue="a"} or label_replace(depth, "copy", "1", "", "")',
      start: String(NOW),
      end: String(NOW + 280),
      step: '0.1',
    });
    const { result } = body['data'] as { result: { values: unknown[] }[] };
    expect(result.map(({ values }) => values.length)).toEqual([2801, 2801, 2801]);
  });

  it.each<[string, string, Form, string]>([
    [
      'query',
      'no expression',
      {},
      'invalid parameter "query": 1:1: parse error: no expression found in input',
    ],
    [
      'query',
      'a broken one',
      { query: 'sum(' },
      'invalid parameter "query": 1:5: parse error: unclosed left parenthesis',
    ],
    [
      'query',
      'a broken time',
      { query: '1', time: 'x' },
      `invalid parameter "time": invalid time value for 'time': cannot parse "x" to a valid timestamp`,
    ],
    [
      'query_range',
      'no start',
      { query: '1' },
      'invalid parameter "start": cannot parse "" to a valid timestamp',
    ],
    [
      'query_range',
      'an end before the start',
      { query: '1', start: '2', end: '1', step: '1' },
      'invalid parameter "end": end timestamp must not be before start time',
    ],
    [
      'query_range',
      'no step',
      { query: '1', start: '1', end: '2' },
      'invalid parameter "step": cannot parse "" to a valid duration',
    ],
    [
      'query_range',
      'a step of 0',
      { query: '1', start: '1', end: '2', step: '0' },
      'invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer',
    ],
    [
      'query_range',
      'too many points',
      { query: '1', start: '0', end: '11001', step: '1' },
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
    ],
    [
      'query_range',
      'a range vector',
      { query: 'depth[1m]', start: '1', end: '2', step: '1' },
      'invalid parameter "query": invalid expression type "range vector" for range query, must be Scalar or instant Vector',
    ],
    ['series', 'no selector', {}, 'no match[] parameter provided'],
    [
      'series',
      'an expression',
      { 'match[]': '1 + 1' },
      'invalid parameter "match[]": 1:1: parse error: unexpected number "1"',
    ],
    [
      'series',
      'more than a selector',
      { 'match[]': 'depth offset 5m' },
      'invalid parameter "match[]": 1:7: parse error: unexpected <offset>',
    ],
    [
      'series',
      'a selector of everything',
      { 'match[]': ['depth', '{queue=~".*"}'] },
      'invalid parameter "match[]": match[] must contain at least one non-empty matcher',
    ],
    [
      'labels',
      'a selector of everything',
      { 'match[]': '{}' },
      'match[] must contain at least one non-empty matcher',
    ],
    [
      'labels',
      'a broken selector',
      { 'match[]': 'x{' },
      '1:3: parse error: unexpected end of input inside braces',
    ],
    ['label/queue/values', 'a sum', { 'match[]': 'sum(depth)' }, '1:4: parse error: unexpected "("'],
    [
      'query',
      'a broken way to look back',
      { query: '1', lookback_delta: 'x' },
      'error parsing lookback delta duration: cannot parse "x" to a valid duration',
    ],
    [
      'query_range',
      'too many points, closer than a millisecond',
      { query: '1', start: '0', end: '6', step: '0.0005' },
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
    ],
    [
      'query',
      'a day that the calendar has not',
      { query: '1', time: '2026-02-30T00:00:00Z' },
      `invalid parameter "time": invalid time value for 'time': cannot parse "2026-02-30T00:00:00Z" to a valid timestamp`,
    ],
    ['status/tsdb', 'a limit of 0', { limit: '0' }, 'limit must be a positive number'],
    ['status/tsdb', 'a limit with an exponent', { limit: '1e3' }, 'limit must be a positive number'],
    ['metadata', 'a limit that is no number', { limit: 'x' }, 'limit must be a number'],
  ])('%s refuses %s in Prometheus’s words', async (path, _, parameters, error) => {
    expect(await get(path, parameters)).toMatchObject(badData(error));
  });

  it.each([
    ['-292273086-05-16T16:47:06Z', -8_640_000_000_000],
    ['292277025-08-18T07:12:54.999999999Z', 8_640_000_000_000],
    ['1e300', 8_640_000_000_000],
  ])('at the end of time, %s, has an answer', async (time, shown) => {
    expect(await get('query', { query: 'vector(1) or depth', time })).toEqual(
      success({ resultType: 'vector', result: [{ metric: {}, value: [shown, '1'] }] }),
    );
    const range = { query: 'vector(1) or depth', start: time, end: time, step: '1' };
    expect(await get('query_range', range)).toEqual(
      success({ resultType: 'matrix', result: [{ metric: {}, values: [[shown, '1']] }] }),
    );
  });

  it('of too many fields is refused before they are read', async () => {
    const headers = { ...served.as('viewer'), 'content-type': 'application/x-www-form-urlencoded' };
    const payload = '&'.repeat(10_000);
    const url = '/prometheus/api/v1/query';
    const answer = await served.app.inject({ method: 'POST', url, headers, payload });
    expect([answer.statusCode, answer.body]).toEqual([400, expect.stringContaining('maxFormFields')]);
    expect(answer.headers['content-type']).toBe('application/json');
  });

  it('of exactly 11,000 steps is taken', async () => {
    const { status } = await get('query_range', { query: '1', start: '0', end: '11000', step: '1' });
    expect(status).toBe(200);
  });

  it('that the data does not allow is 422', async () => {
    expect(await get('query', { query: 'depth * on() depth' })).toMatchObject({
      status: 422,
      body: { status: 'error', errorType: 'execution', code: 'query_failed' },
    });
  });

  it('that takes too long is 503', async () => {
    const open = gate.close();
    const answer = get('query', { query: LONG_QUERY, timeout: '1s' });
    await gate.asked.promise;
    await clock.advance(2000);
    open();
    expect(await answer).toMatchObject({
      status: 503,
      body: { errorType: 'timeout', code: 'query_timeout' },
    });
  });

  it('ends when nobody waits for it any more', async () => {
    const url = await served.api.listen({ host: '127.0.0.1', port: 0 });
    const open = gate.close();
    const parameters = formOf({ query: LONG_QUERY });
    const client = request(`${url}/prometheus/api/v1/query?${parameters}`, { headers: served.as('viewer') });
    client.on('error', () => {});
    client.end();
    await gate.asked.promise;
    connectionEnded = Promise.withResolvers<void>();
    sent.length = 0;
    client.destroy();
    await connectionEnded.promise;
    open();
    await expect.poll(() => sent).toEqual([499]);
  });
});

describe('what there is', () => {
  it('is found by selectors, some or one', async () => {
    const both = { 'match[]': ['depth{queue="a"}', '{"http.requests"}'] };
    const found = success([
      { __name__: 'depth', queue: 'a' },
      { __name__: 'http.requests', 'k8s.pod': 'p' },
    ]);
    expect(await get('series', both)).toEqual(found);
    expect(await post('series', both)).toEqual(found);
    expect(await get('series', { 'match[]': 'nothing' })).toEqual(success([]));
    expect(await get('series', { 'match[]': 'depth', start: String(NOW + 60) })).toEqual(success([]));
    const before = { start: String(NOW - 90), end: String(NOW - 31) };
    expect(await get('series', { 'match[]': 'depth', ...before })).toEqual(success([]));
    expect(await get('labels', before)).toEqual(success([]));
    const partly = { start: String(NOW - 90), end: String(NOW - 30) };
    expect(await get('labels', partly)).toEqual(success(['__name__', 'queue']));
    expect(await get('label/__name__/values', partly)).toEqual(success(['depth']));
  });

  it('has labels and values', async () => {
    expect(await get('labels')).toEqual(success(['__name__', 'k8s.pod', 'queue']));
    expect(await post('labels', { 'match[]': 'depth' })).toEqual(success(['__name__', 'queue']));
    expect(await get('label/queue/values')).toEqual(success(['a', 'b']));
    expect(await get('label/U__k8s_2e_pod/values')).toEqual(success(['p']));
    expect(await get('label/k8s.pod/values', { 'match[]': 'depth' })).toEqual(success([]));
  });

  it('is cut to a limit, with a warning', async () => {
    const warned = { warnings: ['results truncated due to limit'] };
    expect(await get('label/queue/values', { limit: '1' })).toEqual(success(['a'], warned));
    expect(await get('label/queue/values', { limit: '2' })).toEqual(success(['a', 'b']));
    expect(await get('labels', { limit: '2' })).toEqual(success(['__name__', 'k8s.pod'], warned));
    const depths = { 'match[]': 'depth', limit: '1' };
    expect(await get('series', depths)).toEqual(success([{ __name__: 'depth', queue: 'a' }], warned));
    expect(await get('series', { ...depths, limit: '2' })).toMatchObject({ body: { data: [{}, {}] } });
    expect(await get('series', { ...depths, limit: 'x' })).toMatchObject({ status: 400 });
  });

  it('has exemplars and descriptions', async () => {
    const parameters = { query: 'rate(depth[5m])', start: String(NOW - 60), end: String(NOW) };
    expect(await get('query_exemplars', parameters)).toEqual(
      success([
        {
          seriesLabels: { __name__: 'depth', queue: 'a' },
          exemplars: [{ labels: { trace_id: 'abc' }, value: '0.25', timestamp: NOW - 0.5 }],
        },
      ]),
    );
    expect(await get('query_exemplars', { query: 'nothing' })).toEqual(success([]));
    const url = '/prometheus/api/v1/query_exemplars?query=1';
    const none = await served.app.inject({ method: 'GET', url, headers: served.as('viewer') });
    expect([none.statusCode, none.body]).toEqual([204, '']);
    const described = success({ depth: [{ type: 'gauge', unit: 'tasks', help: 'How deep.' }] });
    expect(await get('metadata')).toEqual(described);
    expect(await get('metadata', { metric: 'other' })).toEqual(success({}));
  });

  it('is counted', async () => {
    const { body } = await get('status/tsdb', { limit: '1' });
    expect(body['data']).toMatchObject({
      headStats: { numSeries: 3, maxTime: NOW_MS },
      seriesCountByMetricName: [{ name: 'depth', value: 2 }],
    });
  });
});

describe('a query as text', () => {
  it('is written well, or shown as a tree', async () => {
    expect(await post('format_query', { query: 'sum  (depth )by(queue)' })).toEqual(
      success('sum by (queue) (depth)'),
    );
    expect((await get('parse_query', { query: '-depth' })).body['data']).toMatchObject({
      type: 'unaryExpr',
    });
  });
});

it('says what it is where Grafana looks', async () => {
  const { body } = await get('status/buildinfo');
  expect(body['data']).toMatchObject({ version: '3.14.0', revision: 'omoi-9.9.9' });
  expect(await get('status/flags')).toEqual(success({ 'query.timeout': '2m' }));
  expect(await get('status/config')).toEqual(success({ yaml: 'global: {}\n' }));
  expect((await get('status/runtimeinfo')).body['data']).toMatchObject({
    startTime: '2026-11-22T11:59:59.000Z',
    storageRetention: '15d or 10GiB',
  });
});

describe('who asks', () => {
  const refused = (status: number, code: string) => ({
    status,
    body: { status: 'error', errorType: 'bad_data', code },
  });

  it('is told in Prometheus’s form what is wrong', async () => {
    expect(await get('query', { query: '1' }, {})).toMatchObject(refused(401, 'unauthenticated'));
    expect(await get('query', { query: '1' }, served.as('agent'))).toMatchObject(refused(403, 'forbidden'));
    expect(await get('targets')).toMatchObject({
      status: 404,
      body: { status: 'error', errorType: 'not_found' },
    });
    const json = await post(
      'query',
      { query: '1' },
      { ...served.as('viewer'), 'content-type': 'text/plain' },
    );
    expect(json).toMatchObject(refused(415, 'unsupported_media_type'));
  });

  it('may send a token as the password of basic authentication, here and nowhere else', async () => {
    const token = served.as('viewer').authorization.replace('Bearer ', '');
    const headers = { authorization: `Basic ${Buffer.from(`any:${token}`).toString('base64')}` };
    expect(await get('query', { query: '1' }, headers)).toMatchObject({ status: 200 });
    const wrong = { authorization: `Basic ${Buffer.from('any:thing').toString('base64')}` };
    expect(await get('query', { query: '1' }, wrong)).toMatchObject(refused(401, 'unauthenticated'));
    const elsewhere = await served.app.inject({ method: 'GET', url: '/api/v1/session', headers });
    expect(elsewhere.statusCode).toBe(401);
  });

  it('may post a query from the dashboard’s session, which changes nothing', async () => {
    const entered = await served.app.inject({
      method: 'POST',
      url: '/api/v1/session',
      payload: { token: served.as('viewer').authorization.replace('Bearer ', '') },
    });
    const cookie = `omoi_session=${entered.cookies[0]?.value}`;
    expect(await post('query', { query: '1' }, { cookie })).toMatchObject({ status: 200 });
    const origin = { cookie, origin: 'https://elsewhere.example' };
    expect(await post('query', { query: '1' }, origin)).toMatchObject(refused(403, 'origin_not_allowed'));
  });

  it('leaves no audit entry by a query that is posted', async () => {
    await post('query', { query: '1' }, served.as('admin'));
    const audit = await served.app.inject({
      method: 'GET',
      url: '/api/v1/audit',
      headers: served.as('admin'),
    });
    expect(audit.body).not.toContain('/prometheus/api/v1/query');
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPrometheusStage, success, type Form, type PrometheusStage } from './prometheus.test-support.ts';

let stage: PrometheusStage;

beforeAll(async () => {
  stage = await openPrometheusStage();
});

afterAll(() => stage.close());

const badData = (error: string) => ({ status: 400, body: { status: 'error', errorType: 'bad_data', error } });

describe('a query', () => {
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
    expect(await stage.get(path, parameters)).toMatchObject(badData(error));
  });

  it.each([
    ['-292273086-05-16T16:47:06Z', -8_640_000_000_000],
    ['292277025-08-18T07:12:54.999999999Z', 8_640_000_000_000],
    ['1e300', 8_640_000_000_000],
  ])('at the end of time, %s, has an answer', async (time, shown) => {
    expect(await stage.get('query', { query: 'vector(1) or depth', time })).toEqual(
      success({ resultType: 'vector', result: [{ metric: {}, value: [shown, '1'] }] }),
    );
    const range = { query: 'vector(1) or depth', start: time, end: time, step: '1' };
    expect(await stage.get('query_range', range)).toEqual(
      success({ resultType: 'matrix', result: [{ metric: {}, values: [[shown, '1']] }] }),
    );
  });

  it('of too many fields is refused before they are read', async () => {
    const headers = { ...stage.served.as('viewer'), 'content-type': 'application/x-www-form-urlencoded' };
    const payload = '&'.repeat(10_000);
    const url = '/prometheus/api/v1/query';
    const answer = await stage.served.app.inject({ method: 'POST', url, headers, payload });
    expect([answer.statusCode, answer.body]).toEqual([400, expect.stringContaining('maxFormFields')]);
    expect(answer.headers['content-type']).toBe('application/json');
  });

  it('reads `+` as a space and `%2B` as itself', async () => {
    const headers = { ...stage.served.as('viewer'), 'content-type': 'application/x-www-form-urlencoded' };
    const payload = 'query=%22a+b%2Bc%20d%22';
    const url = '/prometheus/api/v1/query';
    const answer = await stage.served.app.inject({ method: 'POST', url, headers, payload });
    expect(answer.json()).toMatchObject({
      data: { resultType: 'string', result: [expect.any(Number), 'a b+c d'] },
    });
  });
});

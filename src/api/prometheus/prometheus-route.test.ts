import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPrometheusStage, success, type PrometheusStage } from './prometheus.test-support.ts';

let stage: PrometheusStage;

beforeAll(async () => {
  stage = await openPrometheusStage();
});

afterAll(() => stage.close());

it('says what it is where Grafana looks', async () => {
  const { body } = await stage.get('status/buildinfo');
  expect(body['data']).toMatchObject({ version: '3.14.0', revision: 'omoi-9.9.9' });
  expect(await stage.get('status/flags')).toEqual(success({ 'query.timeout': '2m' }));
  expect(await stage.get('features')).toEqual(success({ promql: { anchored: false } }));
  expect(await stage.get('status/config')).toEqual(success({ yaml: 'global: {}\n' }));
  expect((await stage.get('status/runtimeinfo')).body['data']).toMatchObject({
    startTime: '2026-11-22T11:59:59.000Z',
    reloadConfigSuccess: false,
    lastConfigTime: '2026-11-22T11:59:59.500Z',
    storageRetention: '15d or 10GiB',
  });
});

it('reads a posted form of 1 MiB and 10,000 fields, and tells of the limit beyond', async () => {
  const bare = 'query=1&x='.length;
  const formOf = (bytes: number) => stage.post('query', { query: '1', x: 'y'.repeat(bytes - bare) });
  expect(await formOf(1024 * 1024)).toMatchObject({ status: 200 });
  expect(await formOf(1024 * 1024 + 1)).toEqual({
    status: 413,
    body: {
      status: 'error',
      errorType: 'bad_data',
      code: 'body_too_large',
      error: 'the body exceeds 1048576 bytes',
      docs: '/docs/errors#body_too_large',
    },
  });
  const fields = (count: number) =>
    stage.served.app.inject({
      method: 'POST',
      url: '/prometheus/api/v1/query',
      headers: { ...stage.served.as('viewer'), 'content-type': 'application/x-www-form-urlencoded' },
      payload: `query=1${'&x='.repeat(count - 1)}`,
    });
  expect((await fields(10_000)).statusCode).toBe(200);
  const refused = await fields(10_001);
  expect([refused.statusCode, refused.json()]).toMatchObject([
    400,
    { code: 'invalid_request', error: 'the form has more than maxFormFields (10000) fields' },
  ]);
});

describe('who asks', () => {
  const refused = (status: number, code: string) => ({
    status,
    body: { status: 'error', errorType: 'bad_data', code },
  });

  it('is told in Prometheus’s form what is wrong', async () => {
    expect(await stage.get('query', { query: '1' }, {})).toMatchObject(refused(401, 'unauthenticated'));
    expect(await stage.get('query', { query: '1' }, stage.served.as('agent'))).toMatchObject(
      refused(403, 'forbidden'),
    );
    expect(await stage.get('targets')).toMatchObject({
      status: 404,
      body: { status: 'error', errorType: 'not_found' },
    });
    const form = /application\/x-www-form-urlencoded/;
    for (const [headers, message] of [
      [{ 'content-type': 'application/json' }, form],
      [{ 'content-type': '' }, form],
      [{ 'content-encoding': 'gzip' }, /"gzip" is not taken here; send the body as it is/],
    ] as const) {
      const answer = await stage.post('query', { query: '1' }, { ...stage.served.as('viewer'), ...headers });
      expect(answer).toMatchObject(refused(415, 'unsupported_media_type'));
      expect(answer.body['error']).toMatch(message);
    }
  });

  it('may send a token as the password of basic authentication, here and nowhere else', async () => {
    const token = stage.served.as('viewer').authorization.replace('Bearer ', '');
    const headers = { authorization: `Basic ${Buffer.from(`any:${token}`).toString('base64')}` };
    expect(await stage.get('query', { query: '1' }, headers)).toMatchObject({ status: 200 });
    const wrong = { authorization: `Basic ${Buffer.from('any:thing').toString('base64')}` };
    expect(await stage.get('query', { query: '1' }, wrong)).toMatchObject(refused(401, 'unauthenticated'));
    const elsewhere = await stage.served.app.inject({ method: 'GET', url: '/api/v1/session', headers });
    expect(elsewhere.statusCode).toBe(401);
  });

  it('may post a query from the dashboard’s session, which changes nothing', async () => {
    const entered = await stage.served.app.inject({
      method: 'POST',
      url: '/api/v1/session',
      payload: { token: stage.served.as('viewer').authorization.replace('Bearer ', '') },
    });
    const cookie = `omoi_session=${entered.cookies[0]?.value}`;
    expect(await stage.post('query', { query: '1' }, { cookie })).toMatchObject({ status: 200 });
    const origin = { cookie, origin: 'https://elsewhere.example' };
    expect(await stage.post('query', { query: '1' }, origin)).toMatchObject(
      refused(403, 'origin_not_allowed'),
    );
  });

  it('leaves no audit entry by a query that is posted', async () => {
    await stage.post('query', { query: '1' }, stage.served.as('admin'));
    const audit = await stage.served.app.inject({
      method: 'GET',
      url: '/api/v1/audit',
      headers: stage.served.as('admin'),
    });
    expect(audit.body).not.toContain('/prometheus/api/v1/query');
  });
});

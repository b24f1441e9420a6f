import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStage, type Stage } from '../../monitor/monitor.test-support.ts';
import { startTestApi, type TestApi } from '../api.test-support.ts';
import { registerMonitorRoutes } from './monitor-routes.ts';

let stage: Stage;
let api: TestApi;

beforeEach(async () => {
  stage = await openStage();
  api = await startTestApi({ register: (app) => registerMonitorRoutes(app, stage.monitor) });
});

afterEach(async () => {
  await api.close();
  await stage.close();
});

async function call(method: 'GET' | 'POST', url: string, role: 'viewer' | 'operator' = 'viewer') {
  const response = await api.app.inject({ method, url: `/api/v1/monitor${url}`, headers: api.as(role) });
  return { status: response.statusCode, body: response.json() };
}

describe('/api/v1/monitor', () => {
  it('answers samples exactly as the contract has them, by metric and label', async () => {
    stage.fleet.queue = [
      { phaseId: 'PHASE_IMPLEMENTATION', priority: 0, queued: 7 },
      { phaseId: 'PHASE_TESTING', priority: 0, queued: 1 },
    ];
    stage.fleet.tell({ kind: 'queue', traceparent: null });
    await stage.clock.advance(0);
    expect((await call('GET', '/metrics?phase_id=PHASE_IMPLEMENTATION')).body).toEqual([
      {
        metric_name: 'tasks_queued_total',
        value: 7,
        labels: { phase_id: 'PHASE_IMPLEMENTATION', priority: '0' },
        timestamp: '2026-01-01T00:00:00.000Z',
      },
    ]);
    expect((await call('GET', '/metrics')).body).toHaveLength(2);
    expect((await call('GET', '/metrics?metric_name=agents_active')).body).toEqual([]);
    expect((await call('GET', '/metrics?priority=1')).body).toEqual([]);
    expect(await call('GET', '/metrics?priority=1&priority=2')).toMatchObject({
      status: 400,
      body: { error: 'invalid_request', message: 'query.priority: expected one text' },
    });
    for (const name of ['__proto__', 'constructor', 'toString', 'nosuch']) {
      expect([name, (await call('GET', `/metrics?${name}=1`)).body]).toEqual([name, []]);
      expect([name, (await call('GET', `/metrics?metric_name=${name}`)).body]).toEqual([name, []]);
      // An empty label is a missing one.
      expect([name, (await call('GET', `/metrics?${name}=`)).body]).toHaveProperty('1.length', 2);
    }
  });

  it('describes the filters of the samples by the names that are common', async () => {
    const { paths } = (await api.app.inject({ url: '/openapi.json' })).json();
    expect(paths['/api/v1/monitor/metrics'].get.parameters).toMatchObject([
      { name: 'metric_name', in: 'query', required: false, schema: { type: 'string' } },
      { name: 'phase_id', in: 'query', required: false, schema: { type: 'string' } },
    ]);
  });

  it('describes the standard metrics', async () => {
    const { body } = await call('GET', '/catalogue');
    expect(body).toContainEqual({
      metric_name: 'tasks_queued_total',
      type: 'gauge',
      unit: 'tasks',
      labels: ['phase_id', 'priority'],
      help: 'Tasks that wait to be claimed. A gauge.',
    });
  });

  it('lists an anomaly, shows it, and lets an operator acknowledge it', async () => {
    stage.fleet.setQueued(1);
    await stage.clock.advance(30_000);
    stage.fleet.setQueued(50);
    await stage.clock.advance(2000);
    await stage.monitor.idle();
    const { body: listed } = await call('GET', '/anomalies?state=open&metric_name=tasks_queued_total');
    expect(listed).toMatchObject([{ kind: 'spike', value: 50, expected: 1, score: 49, closed_at: null }]);
    const { id } = listed[0];
    expect((await call('GET', `/anomalies/${id}`)).body).toEqual(listed[0]);
    expect((await call('POST', `/anomalies/${id}/acknowledge`)).status).toBe(403);
    expect((await call('POST', `/anomalies/${id}/acknowledge`, 'operator')).body).toMatchObject({
      acknowledged_by: 'the operator',
    });
    expect((await call('GET', '/anomalies?state=closed')).body).toEqual([]);
    const { detected_at: detectedAt } = listed[0];
    const detectedMs = Date.parse(detectedAt);
    for (const [offset, aheadMs] of [
      ['Z', 0],
      ['%2B02:00', 7_200_000],
      ['+02:00', 7_200_000],
      ['-05:30', -19_800_000],
    ] as const) {
      const before = (timeMs: number): string =>
        `/anomalies?before=${new Date(timeMs + aheadMs).toISOString().replace('Z', offset)}`;
      expect([offset, (await call('GET', before(detectedMs))).body]).toEqual([offset, []]);
      expect([offset, (await call('GET', before(detectedMs + 1))).body]).toMatchObject([offset, [{ id }]]);
    }
  });

  it.each([
    ['GET', '/anomalies/anom_unknown', 404, 'unknown_anomaly'],
    ['GET', '/anomalies?state=strange', 400, 'invalid_request'],
    ['GET', '/anomalies?before=yesterday', 400, 'invalid_request'],
    ['GET', '/anomalies?limit=0', 400, 'invalid_request'],
  ] as const)('%s %s is %i %s', async (method, url, status, error) => {
    expect(await call(method, url)).toMatchObject({ status, body: { error } });
  });

  it('compares the agents', async () => {
    expect(await call('GET', '/agents')).toEqual({ status: 200, body: [] });
  });
});

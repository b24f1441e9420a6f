import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStage, type Stage } from '../../alerting/test-support.ts';
import { startTestApi, type TestApi } from '../test-support.ts';
import { registerAlertRoutes } from './alerts.ts';
import { registerPrometheusRuleRoutes } from './prometheus-rules.ts';

const RULES = `
groups:
  - name: queues
    interval: 30s
    rules:
      - record: total
        expr: queue
      - alert: High
        expr: queue > 30
        labels: {severity: critical}
        annotations: {summary: "{{ $labels.phase }}: {{ $value }}"}
      - alert: Slow
        expr: queue > 10
        for: 1h
`;

let stage: Stage;
let api: TestApi;

beforeEach(async () => {
  stage = await openStage(RULES);
  api = await startTestApi({
    register: (app) => {
      registerAlertRoutes(app, { alerting: stage.alerting });
      registerPrometheusRuleRoutes(app, { alerting: stage.alerting });
    },
  });
  await stage.append({ 'queue{phase="a"}': 31, 'queue{phase="b"}': 40 });
  await stage.advance(250);
});

afterEach(async () => {
  await api.close();
  await stage.close();
});

async function call(method: 'GET' | 'POST', url: string, role: 'viewer' | 'operator' = 'viewer') {
  const response = await api.app.inject({ method, url, headers: api.as(role) });
  return { status: response.statusCode, body: response.json() };
}

describe('/api/v1/alerts', () => {
  it('lists, filters and pages', async () => {
    const all = await call('GET', '/api/v1/alerts');
    expect(all.body.alerts).toHaveLength(2);
    expect(all.body.alerts[0]).toMatchObject({
      rule_id: 'queues/High',
      state: 'firing',
      severity: 'critical',
    });
    const one = await call('GET', `/api/v1/alerts?matcher=${encodeURIComponent('phase=~"a|x"')}`);
    expect(one.body.alerts).toMatchObject([
      { labels: { phase: 'a' }, value: '31', annotations: { summary: 'a: 31' } },
    ]);
    const first = await call('GET', '/api/v1/alerts?limit=1&state=firing&rule_id=queues/High');
    const second = await call('GET', `/api/v1/alerts?limit=1&cursor=${first.body.next_cursor}`);
    const idsOf = (body: { alerts: { id: string }[] }) => body.alerts.map(({ id }) => id);
    expect([...idsOf(first.body), ...idsOf(second.body)]).toEqual(idsOf(all.body));
    expect((await call('GET', '/api/v1/alerts?severity=info')).body).toEqual({
      alerts: [],
      next_cursor: null,
    });
  });

  it.each([
    ['/api/v1/alerts?matcher=nonsense', 400, 'invalid_request'],
    ['/api/v1/alerts?matcher=a%3D~%22(%22', 400, 'invalid_request'],
    ['/api/v1/alerts?cursor=1', 400, 'invalid_request'],
    ['/api/v1/alerts?state=burning', 400, 'invalid_request'],
    ['/api/v1/alerts?limit=0', 400, 'invalid_request'],
    ['/api/v1/alerts/alrt_none', 404, 'unknown_alert'],
    ['/api/v1/alerts/alrt_none/timeline', 404, 'unknown_alert'],
  ])('%s is refused with %d %s', async (url, status, error) => {
    expect(await call('GET', url)).toMatchObject({ status, body: { error } });
  });

  it('acknowledges and resolves in the name of who asks, and refuses viewers', async () => {
    const id: string = (await call('GET', '/api/v1/alerts')).body.alerts[0].id;
    expect((await call('POST', `/api/v1/alerts/${id}/acknowledge`)).status).toBe(403);
    const acknowledged = await call('POST', `/api/v1/alerts/${id}/acknowledge`, 'operator');
    expect(acknowledged).toMatchObject({ status: 200, body: { acknowledged_by: 'the operator' } });
    const resolved = await call('POST', `/api/v1/alerts/${id}/resolve`, 'operator');
    expect(resolved).toMatchObject({ status: 200, body: { state: 'resolved', cause: 'manual' } });
    expect(await call('POST', `/api/v1/alerts/${id}/resolve`, 'operator')).toMatchObject({
      status: 409,
      body: { error: 'alert_resolved' },
    });
    const timeline = await call('GET', `/api/v1/alerts/${id}/timeline`);
    expect(timeline.body.events.map((event: { event_type: string }) => event.event_type)).toEqual([
      'monitor.alert.triggered',
      'monitor.alert.acknowledged',
      'monitor.alert.resolved',
    ]);
  });

  it('shows the rules with their health', async () => {
    const { body } = await call('GET', '/api/v1/alerts/rules');
    expect(body.groups).toMatchObject([
      {
        name: 'queues',
        file: 'rules.yml',
        interval_ms: 30_000,
        rules: [
          { rule_id: 'queues/total', kind: 'recording', health: 'ok' },
          { rule_id: 'queues/High', alerts: [{ state: 'firing' }, { state: 'firing' }] },
          { rule_id: 'queues/Slow', for_ms: 3_600_000, alerts: [{ alert_id: null, state: 'pending' }, {}] },
        ],
      },
    ]);
  });
});

describe('/prometheus/api/v1', () => {
  it('lists rules as Prometheus does', async () => {
    const { body } = await call('GET', '/prometheus/api/v1/rules?type=alert&rule_name[]=High');
    expect(body).toMatchObject({
      status: 'success',
      data: {
        groups: [
          {
            name: 'queues',
            interval: 30,
            rules: [
              {
                name: 'High',
                type: 'alerting',
                state: 'firing',
                query: 'queue > 30',
                duration: 0,
                health: 'ok',
                alerts: [{ state: 'firing', value: '3.1e+01' }, { value: '4e+01' }],
              },
            ],
          },
        ],
      },
    });
  });

  it('lists what is pending and firing', async () => {
    const { body } = await call('GET', '/prometheus/api/v1/alerts');
    expect(body.data.alerts.map((alert: { state: string }) => alert.state).sort()).toEqual([
      'firing',
      'firing',
      'pending',
      'pending',
    ]);
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatExpression, parseExpression, parseSelector } from '#promql';
import { openStage, type Stage } from '../../alerting/alerting.test-support.ts';
import { startTestApi, type TestApi } from '../api.test-support.ts';
import { registerAlertRoutes } from './alert-routes.ts';
import { registerPrometheusRuleRoutes } from '../prometheus/rule-routes.ts';

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
  - name: later
    interval: 1h
    rules:
      - record: late:sum
        expr: nothing
      - alert: Never
        expr: nothing   >   1000.0
        labels: {team: a}
`;

const language = {
  selectorMatchers: (text: string) => parseSelector(text).matchers,
  formatQuery: (text: string) => formatExpression(parseExpression(text)),
};

let stage: Stage;
let api: TestApi;

beforeEach(async () => {
  stage = await openStage(RULES);
  api = await startTestApi({
    register: (app) => {
      registerAlertRoutes(app, { alerting: stage.alerting });
      registerPrometheusRuleRoutes(app, { alerting: stage.alerting, language });
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
    expect(body.groups.slice(0, 1)).toMatchObject([
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

  const rulesWith = async (query: string) => {
    const { status, body } = await call('GET', `/prometheus/api/v1/rules?${query}`);
    if (status !== 200) return body.error as string;
    const groups = body.data.groups as { name: string; rules: { name: string }[] }[];
    return groups.map(({ name, rules }) => `${name}: ${rules.map((rule) => rule.name).join(' ')}`);
  };

  it.each<[string, string | string[]]>([
    ['', ['later: late:sum Never', 'queues: total High Slow']],
    ['type=', ['later: late:sum Never', 'queues: total High Slow']],
    ['type=RECORD', ['later: late:sum', 'queues: total']],
    ['type=x', 'invalid parameter "type": not supported value "x"'],
    ['rule_group[]=later&rule_group[]=none', ['later: late:sum Never']],
    ['match[]={severity="critical"}', ['queues: High']],
    ['match[]={severity=~"critical"}&match[]={team="a"}', ['later: Never', 'queues: High']],
    ['match[]={}', 'match[] must contain at least one non-empty matcher'],
    ['match[]=x{', '1:3: parse error: unexpected end of input inside braces'],
    [
      'exclude_alerts=x',
      'invalid parameter "exclude_alerts": error converting exclude_alerts: strconv.ParseBool: parsing "x": invalid syntax',
    ],
    ['group_limit=0', 'invalid parameter "group_limit": group_limit needs to be greater than 0'],
    [
      'group_limit=x',
      'invalid parameter "group_limit": group_limit needs to be a valid number: strconv.ParseInt: parsing "x": invalid syntax',
    ],
    [
      'group_next_token=x',
      'invalid parameter "group_next_token": group_limit needs to be present in order to paginate over the groups',
    ],
    [
      'group_limit=1&group_next_token=x',
      `invalid parameter "group_next_token": invalid group_next_token 'x'. were rule groups changed?`,
    ],
  ])('filters rules by %j', async (query, expected) => {
    expect(await rulesWith(query)).toEqual(expected);
  });

  it('lists groups in pages', async () => {
    const { body } = await call('GET', '/prometheus/api/v1/rules?group_limit=1');
    expect(body.data.groups.map(({ name }: { name: string }) => name)).toEqual(['later']);
    const next = `group_limit=1&group_next_token=${body.data.groupNextToken}`;
    expect(await rulesWith(next)).toEqual(['queues: total High Slow']);
    const last = await call('GET', `/prometheus/api/v1/rules?${next}`);
    expect(last.body.data).not.toHaveProperty('groupNextToken');
  });

  it('writes expressions as Prometheus does, and tells alerts that are left out from none', async () => {
    const { body } = await call('GET', '/prometheus/api/v1/rules?exclude_alerts=T');
    const [later, queues] = body.data.groups;
    expect(later.rules[1]).toMatchObject({ state: 'inactive', query: 'nothing > 1000', alerts: null });
    expect(queues.rules[1]).toMatchObject({ state: 'firing', alerts: null });
  });

  it('tells rules that have not been evaluated', async () => {
    const fresh = (await stage.alerting.overview()).map((group) => ({
      ...group,
      rules: group.rules.map((rule) => ({
        ...rule,
        alerts: [],
        statistics: { ...rule.statistics, health: 'unknown' as const, lastEvaluationMs: null },
      })),
    }));
    const other = await startTestApi({
      register: (app) =>
        registerPrometheusRuleRoutes(app, {
          alerting: { alerts: stage.alerting.alerts, overview: async () => fresh },
          language,
        }),
    });
    const url = '/prometheus/api/v1/rules?type=alert';
    const answer = await other.app.inject({ method: 'GET', url, headers: other.as('viewer') });
    await other.close();
    const lastEvaluation = '0001-01-01T00:00:00Z';
    expect(answer.json().data.groups[0]).toMatchObject({
      lastEvaluation,
      rules: [{ state: 'unknown', health: 'unknown', lastEvaluation }],
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

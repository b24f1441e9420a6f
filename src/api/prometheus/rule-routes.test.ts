import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { language, openAlertApi, type AlertApi } from '../alerts/alert-routes.test-support.ts';
import { startTestApi } from '../api.test-support.ts';
import { registerPrometheusRuleRoutes } from './rule-routes.ts';

let opened: AlertApi;

beforeEach(async () => {
  opened = await openAlertApi();
});

afterEach(() => opened.close());

const call: AlertApi['call'] = (...request) => opened.call(...request);
const read: AlertApi['read'] = (...request) => opened.read(...request);

const refusal = z.object({ status: z.literal('error'), error: z.string() });
const rulesAnswer = z.object({
  data: z.strictObject({
    groups: z.array(z.looseObject({ name: z.string(), rules: z.array(z.looseObject({ name: z.string() })) })),
    groupNextToken: z.string().optional(),
  }),
});
const alertsAnswer = z.object({ data: z.object({ alerts: z.array(z.object({ state: z.string() })) }) });

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
    if (status !== 200) return refusal.parse(body).error;
    const { groups } = rulesAnswer.parse(body).data;
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
    const { data } = await read(rulesAnswer, '/prometheus/api/v1/rules?group_limit=1');
    expect(data.groups.map(({ name }) => name)).toEqual(['later']);
    const next = `group_limit=1&group_next_token=${data.groupNextToken}`;
    expect(await rulesWith(next)).toEqual(['queues: total High Slow']);
    const last = await read(rulesAnswer, `/prometheus/api/v1/rules?${next}`);
    expect(last.data).not.toHaveProperty('groupNextToken');
  });

  it('writes expressions as Prometheus does, and tells alerts that are left out from none', async () => {
    const { data } = await read(rulesAnswer, '/prometheus/api/v1/rules?exclude_alerts=T');
    const [later, queues] = data.groups;
    expect(later?.rules[1]).toMatchObject({ state: 'inactive', query: 'nothing > 1000', alerts: null });
    expect(queues?.rules[1]).toMatchObject({ state: 'firing', alerts: null });
  });

  it('tells rules that have not been evaluated', async () => {
    const fresh = (await opened.stage.alerting.overview()).map((group) => ({
      ...group,
      rules: group.rules.map((rule) => ({
        ...rule,
        statistics: { ...rule.statistics, health: 'unknown' as const, lastEvaluationMs: null },
      })),
    }));
    const other = await startTestApi({
      register: (app) =>
        registerPrometheusRuleRoutes(app, {
          alerting: { overview: async () => fresh, activeAlerts: async () => [] },
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
    const { data } = await read(alertsAnswer, '/prometheus/api/v1/alerts');
    expect(data.alerts.map((alert) => alert.state).sort()).toEqual([
      'firing',
      'firing',
      'pending',
      'pending',
    ]);
  });

  it('tells thousands of alerts in pieces, between which others have the event loop', async () => {
    const many = Array.from({ length: 5000 }, (_, at) => [`queue{phase="p${at}"}`, 31] as const);
    await opened.stage.append(Object.fromEntries(many));
    await opened.stage.advance(250);
    for (const path of ['alerts', 'rules']) {
      let turns = 0;
      let asking = true;
      const count = (): void => {
        turns++;
        if (asking) setImmediate(count);
      };
      setImmediate(count);
      const url = `/prometheus/api/v1/${path}`;
      const { payload } = await opened.api.app.inject({
        method: 'GET',
        url,
        headers: opened.api.as('viewer'),
      });
      asking = false;
      expect(payload.match(/"state":"pending","activeAt"/g)).toHaveLength(5002);
      expect(turns).toBeGreaterThan(payload.length / (2 * 64 * 1024));
    }
  });
});

import type { z } from 'zod';
import { formatExpression, parseExpression, parseSelector } from '#promql';
import { openStage, type Stage } from '../../alerting/alerting.test-support.ts';
import { startTestApi, type TestApi } from '../api.test-support.ts';
import { registerPrometheusRuleRoutes, type PrometheusRuleParts } from '../prometheus/rule-routes.ts';
import { registerAlertRoutes } from './alert-routes.ts';
import type { RuleRelations } from './rule-routes.ts';

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

export const language: PrometheusRuleParts['language'] = {
  selectorMatchers: (text: string) => parseSelector(text).matchers,
  formatQuery: (text: string) => formatExpression(parseExpression(text)),
};

/** The routes of alerts and rules over alerting that runs: two label sets fire, two are pending. */
export interface AlertApi {
  readonly stage: Stage;
  readonly api: TestApi;
  call(method: 'GET' | 'POST', url: string, role?: 'viewer' | 'operator', body?: object): Promise<Answer>;
  /** What a viewer reads, as the schema of the answer says it is; fails on any status but 200. */
  read<Schema extends z.ZodType>(schema: Schema, url: string): Promise<z.output<Schema>>;
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const RELATIONS: RuleRelations = {
  comparison: '>',
  threshold: 30,
  valueQuery: 'queue',
  reachMs: 300_000,
  reads: [{ selector: 'queue', series: 2, isCut: false, newestSampleMs: null }],
  senders: { names: ['omoi'], count: 1, isCut: false, isAnonymous: false },
  policies: [],
  recordedBy: [],
  readBy: [],
};

export async function openAlertApi(rules = RULES): Promise<AlertApi> {
  const stage = await openStage(rules);
  const { alerting } = stage;
  const api = await startTestApi({
    register: (app) => {
      registerAlertRoutes(app, {
        alerting,
        clock: stage.clock,
        relationsOf: (key) => Promise.resolve(key === 'nobody' ? null : RELATIONS),
        notification: {
          deliveriesOf: () => Promise.resolve({ events: [], leftOut: { messages: 0, isMore: false } }),
          receiversOf: ({ phase = '' }) => ['desk', `team-${phase}`],
        },
      });
      registerPrometheusRuleRoutes(app, { alerting, language });
    },
  });
  await stage.append({ 'queue{phase="a"}': 31, 'queue{phase="b"}': 40 });
  await stage.advance(250);
  const call: AlertApi['call'] = async (method, url, role = 'viewer', body) => {
    const payload = body === undefined ? {} : { payload: body };
    const response = await api.app.inject({ method, url, headers: api.as(role), ...payload });
    return { status: response.statusCode, body: response.json() };
  };
  return {
    stage,
    api,
    call,
    async read(schema, url) {
      const { status, body } = await call('GET', url);
      if (status !== 200) throw new Error(`GET ${url} answered ${status}: ${JSON.stringify(body)}`);
      return schema.parse(body);
    },
    async close() {
      await api.close();
      await stage.close();
    },
  };
}

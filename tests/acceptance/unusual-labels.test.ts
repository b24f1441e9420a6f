import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeWriteRequest, snappy } from '../remote-write-request.ts';
import { Client } from './support/client.ts';
import { dataDirectory, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';

/** Labels that JavaScript's objects know by themselves: they must come through every door and room unharmed. */
const OWN = {
  ...JSON.parse('{"__proto__":"of __proto__"}'),
  constructor: 'of constructor',
  toString: 'of toString',
  hasOwnProperty: 'of hasOwnProperty',
} as Readonly<Record<string, string>>;
const own = Object.entries(OWN);

const RULES = `groups:
  - name: unusual
    interval: 1s
    labels: {__proto__: of the group}
    rules:
      - record: recorded
        expr: sum by (__proto__, constructor, toString, hasOwnProperty) (load)
        labels: {valueOf: "2"}
      - alert: Loaded
        expr: load > 30
        labels: {__proto__: "{{ $labels.__proto__ }}!", severity: "{{ $labels.constructor }}"}
        annotations: {__proto__: "{{ $labels.toString }}", constructor: "{{ $labels.nothing }}|{{ $value }}"}
`;

const data = dataDirectory();
let server: OmoiServer;
let admin: Client;

beforeAll(async () => {
  const files = join(data.path, 'files');
  mkdirSync(files, { recursive: true });
  writeFileSync(join(files, 'rules.yaml'), RULES);
  server = await OmoiServer.start(data.path, {
    env: {
      OMOI_ALERTING_RULE_FILES: JSON.stringify([join(files, 'rules.yaml')]),
      OMOI_ALERTING_DISABLE: '["*"]',
      OMOI_WATCHDOG_DISABLE: '["*"]',
    },
  });
  admin = new Client(() => server.url, server.adminToken);
  const request = encodeWriteRequest([
    { labels: [['__name__', 'load'], ...own], samples: [{ timestampMs: Date.now(), value: 31 }] },
  ]);
  const answer = await fetch(`${server.url}/prometheus/api/v1/write`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', authorization: `Bearer ${server.adminToken}` },
    body: Buffer.from(snappy(request)),
  });
  expect(answer.status).toBe(204);
});

afterAll(async () => {
  await server.stop();
  data.remove();
});

interface Alert {
  readonly id: string;
  readonly severity: string;
  readonly labels: object;
  readonly annotations: object;
}

const entriesOf = (labels: object | undefined): ReadonlyMap<string, unknown> =>
  new Map(Object.entries(labels ?? {}));

async function firing(matcher = ''): Promise<readonly Alert[]> {
  const query = matcher === '' ? '' : `?matcher=${encodeURIComponent(matcher)}`;
  return (await admin.read<{ alerts: Alert[] }>(`/api/v1/alerts${query}`)).alerts;
}

async function seriesOf(query: string): Promise<readonly ReadonlyMap<string, unknown>[]> {
  const path = `/prometheus/api/v1/query?query=${encodeURIComponent(query)}`;
  const answer = await admin.read<{ data: { result: { metric: object }[] } }>(path);
  return answer.data.result.map(({ metric }) => entriesOf(metric));
}

describe('labels called __proto__, constructor, toString and hasOwnProperty', () => {
  it('come from remote write through a rule to the alert and the API', async () => {
    const [alert] = await until(async () => {
      const alerts = await firing();
      return alerts.length > 0 && alerts;
    }, 'the alert fires');
    expect(entriesOf(alert?.labels)).toEqual(
      new Map([
        ...own,
        ['__proto__', 'of __proto__!'],
        ['severity', 'of constructor'],
        ['alertname', 'Loaded'],
      ]),
    );
    expect(entriesOf(alert?.annotations)).toEqual(
      new Map([
        ['__proto__', 'of toString'],
        ['constructor', '|31'],
      ]),
    );
    expect(await firing('__proto__="of __proto__!"')).toHaveLength(1);
    expect(await firing('constructor="other"')).toHaveLength(0);
    expect(await firing('valueOf!=""')).toHaveLength(0);
    const timeline = await admin.read<{ events: { payload: { labels: object } }[] }>(
      `/api/v1/alerts/${alert?.id}/timeline`,
    );
    expect(entriesOf(timeline.events[0]?.payload.labels).get('__proto__')).toBe('of __proto__!');
  });

  it('are in what Prometheus’s API answers', async () => {
    expect(await seriesOf('load')).toEqual([new Map([['__name__', 'load'], ...own])]);
    const recorded = await until(async () => {
      const found = await seriesOf('recorded');
      return found.length > 0 && found;
    }, 'the rule has recorded');
    expect(recorded).toEqual([
      new Map([['__name__', 'recorded'], ...own, ['__proto__', 'of the group'], ['valueOf', '2']]),
    ]);
    const states = await seriesOf('ALERTS{__proto__="of __proto__!"}');
    expect(states.map((labels) => labels.get('constructor'))).toEqual(['of constructor']);
    const { data: names } = await admin.read<{ data: string[] }>('/prometheus/api/v1/label/__proto__/values');
    expect(names).toContain('of __proto__');
    const alerts = await admin.read<{ data: { alerts: { labels: object }[] } }>('/prometheus/api/v1/alerts');
    expect(entriesOf(alerts.data.alerts[0]?.labels).get('__proto__')).toBe('of __proto__!');
    const rules = await admin.read<{
      data: { groups: { rules: { labels: object; annotations?: object }[] }[] };
    }>('/prometheus/api/v1/rules');
    const [group] = rules.data.groups;
    expect(group?.rules.map(({ labels }) => entriesOf(labels).get('__proto__'))).toEqual([
      'of the group',
      '{{ $labels.__proto__ }}!',
    ]);
    expect(entriesOf(group?.rules[1]?.annotations).get('__proto__')).toBe('{{ $labels.toString }}');
  });
});

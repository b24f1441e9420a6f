import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRouter, parseMatcher, readConfigurationFile } from '#notification';
import { routeOverviews, testRouting } from '../../notification/routing/routing-overview.ts';
import { callBelow, startTestApi, type TestApi } from '../api.test-support.ts';
import { registerRoutingRoutes } from './routing-routes.ts';
import { maxLabels, routesAnswer, routingTestAnswer } from './routing-schemas.ts';

const TEXT = `
route:
  receiver: desk
  group_by: [alertname]
  routes:
    - matchers: [team="web"]
      receiver: web
      continue: true
      group_by: ['...']
      group_wait: 1s
      mute_time_intervals: [nights]
receivers: [{ name: desk }, { name: web }]
time_intervals: [{ name: nights, time_intervals: [{ times: [{ start_time: '20:00', end_time: '24:00' }] }] }]
`;

let api: TestApi;

beforeEach(async () => {
  const files = { list: () => Promise.resolve([]), read: () => Promise.reject(new Error('no file')) };
  const source = { name: 'routing.yml', text: TEXT, directory: '/' };
  const { route: root } = await readConfigurationFile(source, { files });
  api = await startTestApi({
    register: (app) =>
      registerRoutingRoutes(app, {
        notification: {
          routes: () =>
            routeOverviews(root, {
              groups: [{ route: root, members: { size: 2 } }],
              silentBy: ({ muteTimeIntervals: names }) =>
                names.length === 0 ? null : { because: 'mute', names },
            }),
          whereTo: (labels) => testRouting(root, createRouter(root), labels),
        },
        parseMatcher: (text) => parseMatcher(text),
      }),
  });
});
afterEach(() => api.close());

const call = (line: string) => callBelow('/api/v1/alerts/routing', api, { role: 'viewer', line });

describe('the routing tree', () => {
  it('is read as a list, what routes inherit filled in', async () => {
    const { status, body } = await call('GET ');
    expect(status).toBe(200);
    const [root, web, ...others] = routesAnswer.parse(body).routes;
    expect(others).toEqual([]);
    const inherited = {
      group_interval_ms: 300_000,
      repeat_interval_ms: 14_400_000,
      active_time_intervals: [],
      hold_for_remediation_ms: null,
      escalation: null,
    };
    expect(root).toEqual({
      ...inherited,
      route_id: '{}',
      depth: 0,
      receiver: 'desk',
      matchers: [],
      continue: false,
      group_by: ['alertname'],
      group_wait_ms: 30_000,
      mute_time_intervals: [],
      silent: null,
      groups: 1,
      alerts: 2,
    });
    expect(web).toEqual({
      ...inherited,
      route_id: web?.route_id,
      depth: 1,
      receiver: 'web',
      matchers: ['team="web"'],
      continue: true,
      group_by: ['...'],
      group_wait_ms: 1000,
      mute_time_intervals: ['nights'],
      silent: { because: 'mute', names: ['nights'] },
      groups: 0,
      alerts: 0,
    });
  });
});

describe('where an alert would go', () => {
  it('is told with each group and the reason at each route', async () => {
    const { status, body } = await call('GET /test?label=team%3Dweb&label=alertname%3D%22A%20b%22');
    expect([status, body['message']]).toEqual([200, undefined]);
    const { labels, to, steps } = routingTestAnswer.parse(body);
    expect(labels).toEqual({ team: 'web', alertname: 'A b' });
    expect(to.map(({ receiver, group_key: key }) => `${receiver} ${key}`)).toEqual([
      'web {}/{team="web"}:{alertname="A b", team="web"}',
    ]);
    expect(steps.map(({ depth, decision }) => [depth, decision])).toEqual([
      [0, 'passed_on'],
      [1, 'receives'],
    ]);
  });

  it('without labels is the root', async () => {
    const { to } = routingTestAnswer.parse((await call('GET /test')).body);
    expect(to.map(({ receiver }) => receiver)).toEqual(['desk']);
  });

  it.each([
    [maxLabels, 200],
    [maxLabels + 1, 400],
  ])(`with %i labels of at most ${maxLabels} answers %i`, async (count, status) => {
    const query = Array.from({ length: count }, (_, at) => `label=l${at}%3Dx`).join('&');
    expect((await call(`GET /test?${query}`)).status).toBe(status);
  });

  it.each([
    ['label=team', 'is no label of an alert: '],
    ['label=team%3D~web', 'is no label of an alert: it has =~; write team=web'],
    ['label=a%3D1&label=a%3D2', 'is no label of an alert: there is another of the same name; write team=web'],
  ])('%s is refused', async (query, message) => {
    const { status, body } = await call(`GET /test?${query}`);
    expect([status, body['error']]).toEqual([400, 'invalid_request']);
    expect(body['message']).toContain(message);
  });
});

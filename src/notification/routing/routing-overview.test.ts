import { describe, expect, it } from 'vitest';
import { readNotificationConfiguration } from '../configuration/read-configuration.ts';
import { RECEIVER_KINDS } from '../receivers/receiver-kinds.ts';
import { createRouter } from './router.ts';
import { routeOverviews, testRouting } from './routing-overview.ts';

const TEXT = `
route:
  receiver: desk
  routes:
    - { matchers: [team="web"], receiver: web, continue: true }
    - matchers: [severity="critical"]
      receiver: pager
      routes:
        - { matchers: [team="db"], receiver: db }
    - { matchers: [severity=~"critical|warning"], receiver: mail }
receivers: [{ name: desk }, { name: web }, { name: pager }, { name: db }, { name: mail }]
`;

async function read() {
  const files = { list: () => Promise.resolve([]), read: () => Promise.reject(new Error('no file')) };
  const source = { name: 'routing.yml', text: TEXT, directory: '/' };
  return readNotificationConfiguration(source, { kinds: RECEIVER_KINDS, files });
}

describe('the routing tree as a list', () => {
  it('is depth first, with what each route holds and whether it keeps silent', async () => {
    const { route: root } = await read();
    const [, pager] = root.routes;
    if (!pager) throw new Error('the tree has three children');
    const overviews = routeOverviews(root, {
      groups: [
        { route: pager, members: { size: 3 } },
        { route: pager, members: { size: 1 } },
        { route: root, members: { size: 2 } },
      ],
      silentBy: (route) => (route === pager ? { because: 'mute', names: ['nights'] } : null),
    });
    expect(
      overviews.map(({ route, depth, matchers, silent, groups, alerts }) => [
        '  '.repeat(depth) + route.receiver,
        matchers.join(' '),
        silent?.names ?? null,
        groups,
        alerts,
      ]),
    ).toEqual([
      ['desk', '', null, 1, 2],
      ['  web', 'team="web"', null, 0, 0],
      ['  pager', 'severity="critical"', ['nights'], 2, 4],
      ['    db', 'team="db"', null, 0, 0],
      ['  mail', 'severity=~"critical|warning"', null, 0, 0],
    ]);
  });
});

describe('where an alert would go', () => {
  it.each([
    [
      { severity: 'critical', team: 'web' },
      ['web', 'pager'],
      [
        'passed_on its matchers accept the alert, and a route below takes it',
        '  receives its matchers accept the alert: web is told',
        '  receives its matchers accept the alert: pager is told',
        '    not_matched it asks for team="db", and the alert has team="web"',
        '  not_reached not asked: severity="critical" has taken the alert and does not continue',
      ],
    ],
    [
      {},
      ['desk'],
      [
        'receives its matchers accept the alert: desk is told',
        '  not_matched it asks for team="web", and the alert has no such label',
        '  not_matched it asks for severity="critical", and the alert has no such label',
        '  not_matched it asks for severity=~"critical|warning", and the alert has no such label',
      ],
    ],
  ])('%j: %j', async (labels, receivers, steps) => {
    const { route } = await read();
    const tested = testRouting(route, createRouter(route), labels);
    expect(tested.to.map((to) => to.route.receiver)).toEqual(receivers);
    expect(
      tested.steps.map(({ depth, decision, reason }) => `${'  '.repeat(depth)}${decision} ${reason}`),
    ).toEqual(steps);
  });
});

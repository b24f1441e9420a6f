import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labelValue, type Labels } from '#telemetry';
import { read } from '../configuration/reading.test-support.ts';
import type { Route } from '../configuration/notification-configuration.ts';
import { createRouter } from './router.ts';
import { routingPath, type RoutingStep } from './routing-path.ts';

const RECEIVERS = 'receivers: [name: default, name: db, name: web, name: all, name: eu]\n'
  .replace('[', '[{')
  .replaceAll(', ', '}, {')
  .replace(']', '}]');

function rootOf(routes: string): Promise<Route> {
  return read(`route:\n  receiver: default\n  group_by: [alertname, zone]\n${routes}${RECEIVERS}`).then(
    ({ route }) => route,
  );
}

const TREE = `  routes:
    - { receiver: all, matchers: [ severity="critical" ], continue: true, group_by: [...] }
    - receiver: db
      matchers: [ service=~"mysql|postgres" ]
      routes:
        - { receiver: eu, matchers: [ zone=~"eu-.*" ] }
    - { receiver: web, matchers: [ service="web", owner!="db" ], group_by: [] }
`;

describe('where an alert goes', () => {
  it.each([
    ['nowhere else', { alertname: 'A' }, ['default {}:{alertname="A"}']],
    [
      'a child, and below it',
      { alertname: 'A', service: 'mysql', zone: 'eu-1' },
      ['eu {}/{service=~"mysql|postgres"}/{zone=~"eu-.*"}:{alertname="A", zone="eu-1"}'],
    ],
    [
      'a child that none below it accepts',
      { service: 'postgres', zone: 'us' },
      ['db {}/{service=~"mysql|postgres"}:{zone="us"}'],
    ],
    [
      'two that are side by side',
      { severity: 'critical', service: 'web' },
      [
        'all {}/{severity="critical"}:{service="web", severity="critical"}',
        'web {}/{owner!="db",service="web"}:{}',
      ],
    ],
    [
      'one that continues to none',
      { severity: 'critical' },
      ['all {}/{severity="critical"}:{severity="critical"}'],
    ],
    ['a label that is missing is empty', { service: 'web', owner: 'db' }, ['default {}:{}']],
    [
      'values as Go quotes them',
      { alertname: 'a"\\\n\u0001é' },
      ['default {}:{alertname="a\\"\\\\\\n\\x01é"}'],
    ],
  ])('%s', async (_what, labels: Labels, expected) => {
    const router = createRouter(await rootOf(TREE));
    const taken = router.routesOf(labels);
    expect(taken.map(({ route, groupKey }) => `${route.receiver} ${groupKey}`)).toEqual(expected);
  });

  it('a label that is called as a property of objects', async () => {
    const router = createRouter(
      await rootOf('  group_by: [constructor]\n'.replace('  group_by', '  # group_by')),
    );
    expect(router.routesOf({}).map(({ groupKey }) => groupKey)).toEqual(['{}:{}']);
  });
});

/** Straight from the rule, without an index. */
function routesOf(route: Route, labels: Labels): readonly Route[] {
  const taken: Route[] = [];
  for (const child of route.routes) {
    if (!child.matchers.every((matcher) => matcher.matches(labelValue(labels, matcher.name)))) continue;
    taken.push(...routesOf(child, labels));
    if (!child.continues) break;
  }
  return taken.length === 0 ? [route] : taken;
}

function receiving(step: RoutingStep): readonly Route[] {
  return step.decision.kind === 'receives' ? [step.route] : step.steps.flatMap(receiving);
}

describe('random trees', () => {
  const name = fc.constantFrom('a', 'b', 'c');
  const value = fc.constantFrom('', 'x', 'y', 'z');
  const matcher = fc
    .tuple(
      name,
      fc.constantFrom('=', '!=', '=~', '!~'),
      fc.array(value, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
    )
    .map(([label, operator, values, isPattern]) => {
      const isRegex = operator.endsWith('~');
      const text = isRegex ? values.join('|') + (isPattern ? '.*' : '') : values[0];
      return `${label}${operator}"${text}"`;
    });
  interface Written {
    readonly matchers: readonly string[];
    readonly continue: boolean;
    readonly routes: readonly Written[];
  }
  const nodeOf = (depth: number): fc.Arbitrary<Written> =>
    fc.record({
      matchers: fc.array(matcher, { maxLength: 2 }),
      continue: fc.boolean(),
      routes: depth === 0 ? fc.constant([]) : fc.array(nodeOf(depth - 1), { maxLength: 2 * depth }),
    });
  const node = nodeOf(2);
  const labels = fc.dictionary(name, value, { maxKeys: 3 });

  it('are gone through as the rule says, and the way that is told leads to the same', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(node, { maxLength: 12 }),
        fc.array(labels, { minLength: 5 }),
        async (routes, alerts) => {
          const { route: root } = await read(
            JSON.stringify({ route: { receiver: 'r', routes }, receivers: [{ name: 'r' }] }),
          );
          const router = createRouter(root);
          for (const alert of alerts) {
            const expected = routesOf(root, alert);
            expect(router.routesOf(alert).map(({ route }) => route)).toEqual(expected);
            expect(receiving(routingPath(root, alert))).toEqual(expected);
          }
        },
      ),
    );
  });

  it('have a name of its own for each route', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(node, { maxLength: 12 }), async (routes) => {
        const { route: root } = await read(
          JSON.stringify({ route: { receiver: 'r', routes }, receivers: [{ name: 'r' }] }),
        );
        const ids: string[] = [];
        const look = (route: Route): void => {
          ids.push(route.id);
          route.routes.forEach(look);
        };
        look(root);
        expect(new Set(ids).size).toBe(ids.length);
      }),
    );
  });
});

describe('the way that an alert goes', () => {
  it('says at each node why', async () => {
    const step = routingPath(await rootOf(TREE), { service: 'mysql', zone: 'us' });
    const told = (at: RoutingStep): unknown[] => [
      at.decision.kind,
      ...(at.decision.kind === 'not_matched'
        ? [`${at.decision.matcher.name} is "${at.decision.value}"`]
        : []),
      ...(at.decision.kind === 'not_reached' ? [at.decision.takenBy.receiver] : []),
      ...at.steps.map(told),
    ];
    expect(told(step)).toEqual([
      'passed_on',
      ['not_matched', 'severity is ""'],
      ['receives', ['not_matched', 'zone is "us"']],
      ['not_reached', 'db'],
    ]);
  });
});

describe('many alerts and many routes', () => {
  it('are held against few matchers each', async () => {
    const routes = Array.from({ length: 500 }, (_, at) => ({
      receiver: 'r',
      matchers: at % 2 === 0 ? [`team="t${at}"`, 'severity!="info"'] : [`team=~"t${at}|u${at}"`],
      continue: at % 10 === 0,
    }));
    const { route } = await read(
      JSON.stringify({ route: { receiver: 'r', routes }, receivers: [{ name: 'r' }] }),
    );
    let asked = 0;
    const counted = (node: Route): Route => ({
      ...node,
      matchers: node.matchers.map((matcher) => ({
        ...matcher,
        matches: (candidate: string) => {
          asked++;
          return matcher.matches(candidate);
        },
      })),
      routes: node.routes.map(counted),
    });
    const router = createRouter(counted(route));
    asked = 0;
    const alerts = 10_000;
    for (let at = 0; at < alerts; at++) {
      const team = `t${at % 500}`;
      expect(
        router.routesOf({ alertname: 'A', team, severity: 'warning' })[0]?.route.matchers[0],
      ).toBeDefined();
    }
    expect(asked).toBeLessThanOrEqual(alerts * 3);
  });
});

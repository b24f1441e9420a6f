import { expect, it } from 'vitest';
import { Findings } from './findings.ts';
import type { Route } from './notification-configuration.ts';
import { maxRouteDepth, maxRoutes, readRoutes } from './read-routes.ts';

function read(route: object, findings = new Findings()): Route | null {
  const names = {
    receivers: new Set(['r']),
    timeIntervals: new Set<string>(),
    escalations: new Set<string>(),
  };
  return readRoutes(route, { findings, mode: 'fallback', names });
}

function problemsOf(route: object): readonly string[] {
  const findings = new Findings();
  read(route, findings);
  return findings.problems.map(({ path, message }) => `${path.length} steps: ${message}`);
}

/** A tree of so many routes side by side below its root. */
const wide = (count: number): object => ({
  receiver: 'r',
  routes: Array.from({ length: count - 1 }, () => ({})),
});

/** A tree in which so many routes stand in each other below its root. */
function deep(depth: number): object {
  let route: object = {};
  for (let at = 1; at < depth; at++) route = { routes: [route] };
  return { receiver: 'r', routes: [route] };
}

it('so many routes, and no more', () => {
  expect(problemsOf(wide(maxRoutes))).toEqual([]);
  expect(problemsOf(wide(maxRoutes + 2))).toEqual([`3 steps: more than ${maxRoutes} routes`]);
});

it('so deep, and no deeper', () => {
  expect(problemsOf(deep(maxRouteDepth))).toEqual([]);
  expect(problemsOf(deep(maxRouteDepth + 1))).toEqual([
    `${(maxRouteDepth + 1) * 2 + 1} steps: routes stand more than ${maxRouteDepth} deep in each other`,
  ]);
});

it('a route has the same name when others come before it', () => {
  const team = { matchers: ['team="web"'], continue: true };
  const idsOf = (...routes: readonly object[]): readonly string[] =>
    read({ receiver: 'r', routes })?.routes.map(({ id }) => id) ?? [];
  const [first, second] = idsOf(team, team);
  expect(first).not.toBe(second);
  const [, , after, behind] = idsOf({ matchers: ['a="b"'] }, {}, team, team);
  expect([after, behind]).toEqual([first, second]);
});

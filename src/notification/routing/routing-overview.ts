import type { Labels } from '#telemetry';
import { formatMatcher } from '../configuration/matchers/index.ts';
import type { Route } from '../configuration/notification-configuration.ts';
import type { RoutedTo, Router } from '../ports.ts';
import { routingPath, type RoutingDecision, type RoutingStep } from './routing-path.ts';
import type { SilentByTime } from './time-intervals.ts';

/** A node of the routing tree as people see it. */
export interface RouteOverview {
  readonly route: Route;
  /** How far below the root; of a list depth first this gives the tree. */
  readonly depth: number;
  readonly matchers: readonly string[];
  /** Why it keeps silent now; null where it may speak. */
  readonly silent: SilentByTime | null;
  /** Its aggregation groups at this moment, and the alerts in them. */
  readonly groups: number;
  readonly alerts: number;
}

export interface RoutesNow {
  /** The aggregation groups of all routes. */
  readonly groups: Iterable<{ readonly route: Route; readonly members: { readonly size: number } }>;
  readonly silentBy: (route: Route) => SilentByTime | null;
}

/** The tree depth first, with what is on its way through it now. */
export function routeOverviews(root: Route, { groups, silentBy }: RoutesNow): readonly RouteOverview[] {
  const held = new Map<string, { groups: number; alerts: number }>();
  for (const { route, members } of groups) {
    const ofRoute = held.get(route.id) ?? { groups: 0, alerts: 0 };
    ofRoute.groups++;
    ofRoute.alerts += members.size;
    held.set(route.id, ofRoute);
  }
  const overviews: RouteOverview[] = [];
  const add = (route: Route, depth: number): void => {
    const { groups: groupCount, alerts } = held.get(route.id) ?? { groups: 0, alerts: 0 };
    const matchers = route.matchers.map(formatMatcher);
    overviews.push({ route, depth, matchers, silent: silentBy(route), groups: groupCount, alerts });
    for (const child of route.routes) add(child, depth + 1);
  };
  add(root, 0);
  return overviews;
}

/** What becomes of an alert at a node of the tree. */
export interface RoutingTestStep {
  readonly routeId: string;
  readonly depth: number;
  readonly decision: RoutingDecision['kind'];
  /** One sentence without a full stop. */
  readonly reason: string;
}

export interface RoutingTest {
  readonly to: readonly RoutedTo[];
  /** Depth first; what lies below a node that the alert does not come to is left out. */
  readonly steps: readonly RoutingTestStep[];
}

/** Where an alert with these labels goes, and why. */
export function testRouting(root: Route, router: Router, labels: Labels): RoutingTest {
  const steps: RoutingTestStep[] = [];
  const add = ({ route, decision, steps: below }: RoutingStep, depth: number): void => {
    steps.push({ routeId: route.id, depth, decision: decision.kind, reason: reasonOf(route, decision) });
    for (const step of below) add(step, depth + 1);
  };
  add(routingPath(root, labels), 0);
  return { to: router.routesOf(labels), steps };
}

function reasonOf(route: Route, decision: RoutingDecision): string {
  switch (decision.kind) {
    case 'receives':
      return `its matchers accept the alert: ${route.receiver} is told`;
    case 'passed_on':
      return 'its matchers accept the alert, and a route below takes it';
    case 'not_matched': {
      const { matcher, value } = decision;
      const has = value === '' ? 'has no such label' : `has ${matcher.name}=${JSON.stringify(value)}`;
      return `it asks for ${formatMatcher(matcher)}, and the alert ${has}`;
    }
    case 'not_reached':
      return `not asked: ${decision.takenBy.matchers.map(formatMatcher).join(' ') || 'a route before it'} has taken the alert and does not continue`;
  }
}

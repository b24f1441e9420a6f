import { nextTurn, type Matcher } from '#telemetry';
import type { Findings, Path } from './findings.ts';
import { contradictedLabel, formatMatchers, ImpliedMatchers } from './matchers/index.ts';
import type { Route } from './notification-configuration.ts';

/** Of a large tree others have their turn after so many routes. */
const routesPerTurn = 200;

interface Place {
  readonly route: Route;
  readonly path: Path;
  /** Of the nodes above it. */
  readonly above: readonly Matcher[];
}

/**
 * Warns of routes that no alert can reach: their matchers contradict each other or those above them, or an earlier route beside
 * them takes whatever they accept. What is below such a route is left out.
 */
export async function warnOfUnreachableRoutes(root: Route, findings: Findings): Promise<void> {
  const waiting: Place[] = [{ route: root, path: ['route'], above: [] }];
  let looked = 0;
  for (let place = waiting.pop(); place; place = waiting.pop()) {
    const { route, path, above } = place;
    const inherited = [...above, ...route.matchers];
    const taking = new ImpliedMatchers<Route>();
    for (const [index, child] of route.routes.entries()) {
      const at = [...path, 'routes', index];
      const all = [...inherited, ...child.matchers];
      const label = contradictedLabel(all);
      const [earlier] = label === null ? taking.find(all) : [];
      if (label !== null) findings.warning(at, contradiction(label, all));
      else if (earlier) findings.warning(at, taken(child, earlier));
      else {
        if (!child.continues) taking.add(child, child.matchers);
        if (child.routes.length > 0) waiting.push({ route: child, path: at, above: inherited });
      }
      looked++;
      if (looked % routesPerTurn === 0) await nextTurn();
    }
  }
}

function contradiction(label: string, matchers: readonly Matcher[]): string {
  const about = formatMatchers(matchers.filter(({ name }) => name === label));
  return `this route never matches: with the matchers above it, no value of "${label}" is left: ${about}`;
}

function taken(route: Route, earlier: Route): string {
  const all = earlier.matchers.length === 0 ? 'all alerts' : formatMatchers(earlier.matchers);
  const own = formatMatchers(route.matchers);
  return `this route never matches: an earlier one takes ${all}, which is all that ${own} accepts; write it before that one, or "continue: true" there`;
}

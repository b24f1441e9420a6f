import { labelValue, matchesAll, type Labels, type Matcher } from '#telemetry';
import type { Route } from '../configuration/notification-configuration.ts';

/** A node of the tree, and what became of an alert there. */
export interface RoutingStep {
  readonly route: Route;
  readonly decision: RoutingDecision;
  /** Its children, each with what became of the alert there; none where it did not come here. */
  readonly steps: readonly RoutingStep[];
}

export type RoutingDecision =
  /** Its matchers accept the alert and no child does: its receiver is told. */
  | { readonly kind: 'receives' }
  /** Its matchers accept the alert, and children have taken it. */
  | { readonly kind: 'passed_on' }
  /** A matcher does not accept the alert, whose value of that label is here; '' where it has none. */
  | { readonly kind: 'not_matched'; readonly matcher: Matcher; readonly value: string }
  /** An earlier sibling has taken the alert and does not say `continue`. */
  | { readonly kind: 'not_reached'; readonly takenBy: Route };

/** Which way an alert with these labels goes through the tree, and why. */
export function routingPath(root: Route, labels: Labels): RoutingStep {
  const steps: RoutingStep[] = [];
  let takenBy: Route | null = null;
  let isTaken = false;
  for (const child of root.routes) {
    if (takenBy) {
      steps.push({ route: child, decision: { kind: 'not_reached', takenBy }, steps: [] });
      continue;
    }
    if (!matchesAll(child.matchers, labels)) {
      steps.push({ route: child, decision: refusal(child, labels), steps: [] });
      continue;
    }
    steps.push(routingPath(child, labels));
    isTaken = true;
    if (!child.continues) takenBy = child;
  }
  return { route: root, decision: { kind: isTaken ? 'passed_on' : 'receives' }, steps };
}

function refusal({ matchers }: Route, labels: Labels): RoutingDecision {
  for (const matcher of matchers) {
    const value = labelValue(labels, matcher.name);
    if (!matcher.matches(value)) return { kind: 'not_matched', matcher, value };
  }
  throw new Error('every matcher of a route that was not matched accepts the alert');
}

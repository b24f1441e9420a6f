import { matchesAll, type Labels } from '#telemetry';
import { MatcherIndex } from '../configuration/matchers/index.ts';
import type { Route } from '../configuration/notification-configuration.ts';
import { groupKeyOf, groupLabelsOf } from './group-labels.ts';

/** Where an alert goes: a node of the tree, and the group in it that the alert's labels name. */
export interface RoutedTo {
  readonly route: Route;
  readonly groupKey: string;
  readonly groupLabels: Labels;
}

export interface Router {
  /** In the order of the tree; at least one. */
  routesOf(labels: Labels): readonly RoutedTo[];
}

/** Fewer siblings are asked one after the other. */
const minIndexedSiblings = 8;

/** A node with a way to find those of its children that accept a label set. */
interface Node {
  readonly route: Route;
  readonly children: readonly Node[];
  /** Null where there are few. */
  readonly index: MatcherIndex<number> | null;
}

/**
 * The tree as Alertmanager goes through it: depth first; a child that accepts an alert, or one below it, keeps it from its later
 * siblings unless it says `continue`; a node takes what none of its children has taken. The root takes all.
 */
export function createRouter(root: Route): Router {
  const node = indexed(root);
  return {
    routesOf: (labels) => {
      const taken: Route[] = [];
      collect(node, labels, taken);
      return taken.map((route) => {
        const groupLabels = groupLabelsOf(route, labels);
        return { route, groupLabels, groupKey: groupKeyOf(route, groupLabels) };
      });
    },
  };
}

function indexed(route: Route): Node {
  const children = route.routes.map(indexed);
  if (children.length < minIndexedSiblings) return { route, children, index: null };
  const index = new MatcherIndex<number>();
  children.forEach((child, at) => index.add(at, child.route.matchers));
  return { route, children, index };
}

/** Of a node that accepts the labels. */
function collect(node: Node, labels: Labels, taken: Route[]): void {
  const before = taken.length;
  for (const child of acceptingChildren(node, labels)) {
    collect(child, labels, taken);
    if (!child.route.continues) break;
  }
  if (taken.length === before) taken.push(node.route);
}

function* acceptingChildren({ children, index }: Node, labels: Labels): Generator<Node> {
  if (!index) {
    for (const child of children) if (matchesAll(child.route.matchers, labels)) yield child;
    return;
  }
  const found = index.find(labels);
  if (found.length > 1) found.sort((a, b) => a - b);
  for (const at of found) {
    const child = children[at];
    if (child) yield child;
  }
}

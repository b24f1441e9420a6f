import type { Findings } from './findings.ts';
import { contradictedLabel, ImpliedMatchers } from './matchers/index.ts';
import type { InhibitRule } from './notification-configuration.ts';

/**
 * Warns of inhibit rules that do nothing, since what inhibits is what they inhibit, or since nothing matches them; and of those
 * that lead back to where they began, so that nobody is told of any of the alerts.
 */
export function warnOfInhibition(rules: readonly InhibitRule[], findings: Findings): void {
  const bySource = new ImpliedMatchers<number>();
  const sound = new Set<number>();
  for (const [index, rule] of rules.entries()) {
    const nothing = doesNothing(rule);
    if (nothing !== null) {
      findings.warning(['inhibit_rules', index], `this rule inhibits nothing: ${nothing}`);
      continue;
    }
    sound.add(index);
    for (const { matchers } of rule.sources) bySource.add(index, matchers);
  }
  // An alert that a rule inhibits is one that inhibits by the next.
  const next = rules.map(({ targetMatchers }, index) =>
    sound.has(index) ? bySource.find(targetMatchers).filter((other) => other !== index) : [],
  );
  for (const circle of circlesOf(next)) {
    const [first = 0, ...others] = circle;
    findings.warning(
      ['inhibit_rules', first],
      `this rule and ${namesOf(others, rules)} inhibit in a circle: where alerts of all of them fire, nobody is told of any`,
    );
  }
}

function doesNothing({ sources, targetMatchers }: InhibitRule): string | null {
  for (const matchers of [targetMatchers, ...sources.map((source) => source.matchers)]) {
    const label = contradictedLabel(matchers);
    if (label !== null) return `no value of "${label}" is left by its matchers`;
  }
  const target = new ImpliedMatchers<true>();
  target.add(true, targetMatchers);
  const isItself = sources.every(({ matchers }) => {
    const source = new ImpliedMatchers<true>();
    source.add(true, matchers);
    return target.find(matchers).length > 0 && source.find(targetMatchers).length > 0;
  });
  return isItself ? 'what inhibits is what is inhibited, and an alert that is both inhibits no other' : null;
}

/** So many rules of a circle are named besides the first. */
export const maxNamedRules = 5;

function namesOf(places: readonly number[], rules: readonly InhibitRule[]): string {
  const named = places.slice(0, maxNamedRules).map((at) => nameOf(rules[at], at));
  const rest = places.length - named.length;
  return `${named.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

function nameOf(rule: InhibitRule | undefined, index: number): string {
  return rule?.name ? `"${rule.name}"` : `inhibit_rules[${index}]`;
}

/** Sets of more than one node each of which leads to all others of its set (Tarjan's components), in the order of the nodes. */
function circlesOf(next: readonly (readonly number[])[]): readonly (readonly number[])[] {
  const numbers = next.map(() => -1);
  const lowest = next.map(() => -1);
  const isOpen = next.map(() => false);
  const open: number[] = [];
  const circles: number[][] = [];
  let count = 0;
  const visit = (start: number): void => {
    // A chain of rules may be as long as the list: no recursion.
    const trail: { readonly node: number; at: number }[] = [];
    const enter = (node: number): void => {
      numbers[node] = lowest[node] = count++;
      isOpen[node] = true;
      open.push(node);
      trail.push({ node, at: 0 });
    };
    const lower = (node: number, number = 0): void => {
      lowest[node] = Math.min(lowest[node] ?? 0, number);
    };
    enter(start);
    for (let top = trail.at(-1); top; top = trail.at(-1)) {
      const { node } = top;
      const child = next[node]?.[top.at++];
      if (child !== undefined) {
        if (numbers[child] === -1) enter(child);
        else if (isOpen[child]) lower(node, numbers[child]);
        continue;
      }
      trail.pop();
      const before = trail.at(-1);
      if (before) lower(before.node, lowest[node]);
      if (lowest[node] !== numbers[node]) continue;
      const circle = open.splice(open.indexOf(node));
      for (const one of circle) isOpen[one] = false;
      if (circle.length > 1) circles.push(circle.sort((a, b) => a - b));
    }
  };
  next.forEach((_, node) => {
    if (numbers[node] === -1) visit(node);
  });
  return circles;
}

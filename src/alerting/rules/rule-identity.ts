import { createHash } from 'node:crypto';

/** What a rule is recognized by. */
export interface RuleTraits {
  /** `group/name` */
  readonly id: string;
  readonly kind: 'alerting' | 'recording';
  readonly file: string;
  /** Everything that decides what the rule does. */
  readonly hash: string;
  readonly expr: string;
  /** The rule's labels as they are written, as one text; null where it is not known. */
  readonly labels: string | null;
}

/** A rule that was loaded before, with the key that its state belongs to. */
export interface KnownRule extends RuleTraits {
  readonly key: string;
}

/**
 * What a rule may have in common with one of before, the most telling first. Rules of one kind, group and name that agree
 * in it are the same rule.
 */
const LIKENESSES: readonly ((rule: RuleTraits) => readonly (string | null)[])[] = [
  ({ hash, file }) => [hash, file],
  ({ hash }) => [hash],
  ({ labels, expr, file }) => [labels, expr, file],
  ({ labels, expr }) => [labels, expr],
  ({ labels, file }) => [labels, file],
  ({ labels }) => [labels],
  ({ expr, file }) => [expr, file],
  ({ expr }) => [expr],
];

/**
 * The key of each rule: that of the rule of before which it is recognized as, or a new one. So a second rule of the same
 * name, another order or another file changes no key, and what a rule has in mind stays with it over a reload and a
 * restart. A rule that shares nothing with one of before but its name takes over from it where both are alone.
 * @param known what was loaded last; every key at most once
 * @param inUse keys that no new rule may get, beside those of `known`
 * @returns in the order of `rules`; it pauses between them
 */
export function* assignKeys(
  rules: readonly RuleTraits[],
  known: readonly KnownRule[],
  inUse: Iterable<string> = [],
): Generator<void, readonly string[]> {
  const keys = new Map<RuleTraits, string>();
  const candidates = Map.groupBy(known, nameOf);
  for (const [name, alike] of Map.groupBy(rules, nameOf)) {
    yield* recognize(alike, candidates.get(name) ?? [], keys);
  }
  const taken = new Set([...known.map(({ key }) => key), ...inUse]);
  const assigned: string[] = [];
  for (const rule of rules) {
    assigned.push(keys.get(rule) ?? newKey(rule, taken));
    yield;
  }
  return assigned;
}

function nameOf({ kind, id }: RuleTraits): string {
  return `${kind} ${id}`;
}

function* recognize(
  rules: readonly RuleTraits[],
  known: readonly KnownRule[],
  keys: Map<RuleTraits, string>,
): Generator<void, void> {
  const left = new Set(known);
  const unrecognized = (): RuleTraits[] => rules.filter((rule) => !keys.has(rule));
  for (const likenessOf of LIKENESSES) {
    const byLikeness = new Map<string, KnownRule[]>();
    for (const rule of left) {
      const likeness = JSON.stringify(likenessOf(rule));
      const alike = byLikeness.get(likeness);
      if (alike) alike.push(rule);
      else byLikeness.set(likeness, [rule]);
      yield;
    }
    for (const rule of left.size === 0 ? [] : unrecognized()) {
      const found = byLikeness.get(JSON.stringify(likenessOf(rule)))?.shift();
      yield;
      if (!found) continue;
      keys.set(rule, found.key);
      left.delete(found);
    }
  }
  const [rule, ...otherRules] = unrecognized();
  const [before, ...othersBefore] = left;
  if (rule && before && otherRules.length === 0 && othersBefore.length === 0) keys.set(rule, before.key);
}

/** The first key that is free: the id, the id with the labels, the id with what tells the rule apart, and a number. */
function newKey(rule: RuleTraits, taken: Set<string>): string {
  const digest = createHash('sha256').update(`${rule.kind} ${rule.hash}`).digest('hex').slice(0, 8);
  const candidates = [rule.id, `${rule.id}${rule.labels ?? ''}`, `${rule.id}#${digest}`];
  let key = candidates.find((candidate) => !taken.has(candidate));
  for (let count = 2; key === undefined; count++) {
    const candidate = `${rule.id}#${digest}.${count}`;
    if (!taken.has(candidate)) key = candidate;
  }
  taken.add(key);
  return key;
}

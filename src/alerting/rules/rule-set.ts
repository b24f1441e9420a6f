import { createHash } from 'node:crypto';
import type { Labels } from '#telemetry';
import { AlertTemplate } from './alert-template.ts';
import { labelsText, type Rule, type RuleGroup } from './rule.ts';
import type { GroupText, RuleFile, RuleText } from './rule-file.ts';
import { assignKeys, type KnownRule, type RuleTraits } from './rule-identity.ts';

/** A rule that has no key yet. */
type Unkeyed<Kind extends Rule> = Kind extends Rule ? Omit<Kind, 'key'> : never;

/**
 * The groups of all files with the rules that run, each under a key of its own. It pauses between rules.
 * @param known the rules that were loaded last, which those of the files are recognized as
 * @param inUse keys that no new rule may get
 */
export function* buildRuleGroups(
  files: readonly RuleFile[],
  known: readonly KnownRule[] = [],
  inUse: Iterable<string> = [],
): Generator<void, readonly RuleGroup[]> {
  const groups: UnkeyedGroup[] = [];
  for (const file of files) for (const group of file.groups) groups.push(yield* buildGroup(file.name, group));
  const traits: RuleTraits[] = [];
  for (const { file, rules } of groups) {
    for (const rule of rules) {
      traits.push({ ...rule, file, labels: labelsText(rule) });
      yield;
    }
  }
  const keys = (yield* assignKeys(traits, known, inUse)).values();
  return groups.map((group) => ({
    ...group,
    rules: group.rules.map((rule) => ({ ...rule, key: keys.next().value ?? rule.id })),
  }));
}

type UnkeyedGroup = Omit<RuleGroup, 'rules'> & { readonly rules: readonly Unkeyed<Rule>[] };

function* buildGroup(file: string, group: GroupText): Generator<void, UnkeyedGroup> {
  const rules: Unkeyed<Rule>[] = [];
  for (const rule of group.rules) {
    rules.push(buildRule(group, rule));
    yield;
  }
  return {
    file,
    name: group.name,
    intervalMs: group.interval === 0 ? null : group.interval,
    queryOffsetMs: group.query_offset ?? null,
    limit: Math.max(0, group.limit),
    rules,
  };
}

function buildRule(group: GroupText, rule: RuleText): Unkeyed<Rule> {
  const labels = { ...group.labels, ...rule.labels };
  const name = rule.alert || rule.record;
  const common = {
    id: `${group.name}/${name}`,
    name,
    expr: rule.expr,
    place: rule.place,
    hash: hashOf([
      rule.alert === '' ? 'recording' : 'alerting',
      group.name,
      name,
      rule.expr,
      rule.for,
      rule.keep_firing_for,
      sorted(labels),
      sorted(rule.annotations),
      [group.interval, group.query_offset ?? null, group.limit],
    ]),
  };
  if (rule.alert === '') return { ...common, kind: 'recording', labels };
  return {
    ...common,
    kind: 'alerting',
    forMs: rule.for,
    keepFiringForMs: rule.keep_firing_for,
    labels: templatesOf(labels, name),
    annotations: templatesOf(rule.annotations, name),
  };
}

function templatesOf(texts: Labels, alert: string): ReadonlyMap<string, AlertTemplate> {
  return new Map(sorted(texts).map(([name, text]) => [name, new AlertTemplate(text, alert)]));
}

function sorted(texts: Labels): readonly [string, string][] {
  return Object.entries(texts).sort(([a], [b]) => (a < b ? -1 : 1));
}

function hashOf(definition: unknown): string {
  return createHash('sha256').update(JSON.stringify(definition)).digest('hex').slice(0, 16);
}

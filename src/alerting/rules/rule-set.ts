import { createHash } from 'node:crypto';
import { formatLabels, type Labels } from '#telemetry';
import { AlertTemplate } from './alert-template.ts';
import { templateTexts, type Rule, type RuleGroup } from './rule.ts';
import type { GroupText, RuleFile, RuleText } from './rule-file.ts';

/** The groups of all files with the rules that run, each under a key of its own. */
export function buildRuleGroups(files: readonly RuleFile[]): readonly RuleGroup[] {
  const groups = files.flatMap((file) => file.groups.map((group) => buildGroup(file.name, group)));
  return withUniqueKeys(groups);
}

function buildGroup(file: string, group: GroupText): RuleGroup {
  return {
    file,
    name: group.name,
    intervalMs: group.interval === 0 ? null : group.interval,
    queryOffsetMs: group.query_offset ?? null,
    limit: Math.max(0, group.limit),
    rules: group.rules.map((rule) => buildRule(group, rule)),
  };
}

function buildRule(group: GroupText, rule: RuleText): Rule {
  const labels = { ...group.labels, ...rule.labels };
  const name = rule.alert || rule.record;
  const common = {
    id: `${group.name}/${name}`,
    key: `${group.name}/${name}`,
    name,
    expr: rule.expr,
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

/**
 * A rule alone under its id has that as its key; rules that share one are told apart by their labels, and by
 * their order where those are equal too. So a rule finds its state again after a reload and a restart.
 */
function withUniqueKeys(groups: readonly RuleGroup[]): readonly RuleGroup[] {
  const holders = new Map<string, number>();
  for (const { rules } of groups) for (const { id } of rules) holders.set(id, (holders.get(id) ?? 0) + 1);
  const taken = new Map<string, number>();
  const keyOf = (rule: Rule): string => {
    const labels = rule.kind === 'alerting' ? templateTexts(rule.labels) : rule.labels;
    const key = holders.get(rule.id) === 1 ? rule.id : rule.id + formatLabels(labels);
    const count = (taken.get(key) ?? 0) + 1;
    taken.set(key, count);
    return count === 1 ? key : `${key}#${count}`;
  };
  return groups.map((group) => ({
    ...group,
    rules: group.rules.map((rule) => ({ ...rule, key: keyOf(rule) })),
  }));
}

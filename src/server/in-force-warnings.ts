import type { Alerting } from '#alerting';
import { maxListedProblems, nearestWord, type Matcher } from '#telemetry';
import type { Policy } from '#watchdog';
import type { Config } from './config/schema.ts';
import { mayMatch } from './may-match.ts';
import { ALL, SHIPPED_RULES, shippedNames } from './shipped.ts';

/** What is in force and hardly meant so: Omoi runs with it, and does less than one thinks. */
export interface ConfigurationWarning {
  /** The key of the configuration that it is about. */
  readonly key: string;
  readonly message: string;
  /** The policy that it is about, where it is about one. */
  readonly policy?: string;
}

/** The groups of rules, as far as it matters which alerts they raise. */
export type GroupsInForce = readonly {
  readonly name: string;
  readonly alerts: readonly LabelsOfRule[];
}[];

/** The labels of an alert rule as they are written, `alertname` among them. */
type LabelsOfRule = ReadonlyMap<string, string>;

export interface InForce {
  readonly config: Pick<Config, 'alerting' | 'watchdog'>;
  readonly groups: GroupsInForce;
  readonly policies: readonly Policy[];
}

/** What the rules and policies in force lack. It pauses between policies. */
export function* inForceWarnings(inForce: InForce): Generator<void, readonly ConfigurationWarning[]> {
  const { config, groups, policies } = inForce;
  const alerts = Map.groupBy(
    groups.flatMap((group) => group.alerts),
    (labels) => labels.get('alertname') ?? '',
  );
  const warnings: ConfigurationWarning[] = [];
  if (alerts.size === 0) {
    const message = '0 alert rules: whatever happens, no alert is raised';
    warnings.push({ key: 'alerting.rule_files', message });
  }
  if (policies.length === 0) {
    const message = '0 policies: whatever fires, nothing is repaired, nor is a repair proposed';
    warnings.push({ key: 'watchdog.policy_files', message });
  }
  // Where there is no rule at all, that says it.
  const untriggered = alerts.size === 0 ? [] : policies;
  const disabled = namesSwitchedOff(config);
  for (const policy of untriggered) {
    const reason = whyUntriggered(policy, { alerts, disabled });
    const message = `policy ${policy.name}: no rule can trigger it: ${reason}`;
    if (reason !== null) warnings.push({ key: 'watchdog.policy_files', message, policy: policy.name });
    yield;
  }
  return [...warnings, ...(yield* unknownGroups(inForce)), ...retiredNames(config)];
}

/** The groups of rules that are loaded. */
export function* groupsOfLoaded(groups: Alerting['rules']['groups']): Generator<void, GroupsInForce> {
  const found: { name: string; alerts: LabelsOfRule[] }[] = [];
  for (const { name, rules } of groups) {
    const alerts: LabelsOfRule[] = [];
    for (const rule of rules) {
      yield;
      if (rule.kind !== 'alerting') continue;
      const labels = new Map([...rule.labels].map(([label, { text }]) => [label, text] as const));
      alerts.push(labels.set('alertname', rule.name));
    }
    found.push({ name, alerts });
  }
  return found;
}

function whyUntriggered(
  { match }: Policy,
  of: {
    readonly alerts: ReadonlyMap<string, readonly LabelsOfRule[]>;
    /** The names of the shipped rules that are switched off, as soon as they are asked for. */
    readonly disabled: () => ReadonlySet<string>;
  },
): string | null {
  const named = match.find(({ name, operator }) => name === 'alertname' && operator === '=')?.value;
  const candidates = named === undefined ? [...of.alerts.values()].flat() : (of.alerts.get(named) ?? []);
  if (candidates.some((labels) => mayMatch(match, labels))) return null;
  if (named === undefined || candidates.length > 0)
    return `none raises an alert with ${match.map(textOf).join(', ')}`;
  const instead = SHIPPED_RULES.retired.get(named);
  if (instead !== undefined) return `Omoi ships no ${named} any more: ${instead}`;
  if (of.disabled().has(named)) return `${named} is switched off by alerting.disable`;
  return `none is called "${named}"${suggestion(named, of.alerts.keys())}`;
}

/** What is shipped is read once at most, and only where somebody asks: thousands of policies may. */
function namesSwitchedOff({ alerting: { disable } }: InForce['config']): () => ReadonlySet<string> {
  let names: ReadonlySet<string> | null = null;
  return () =>
    (names ??= new Set(disable.flatMap((name) => (name === ALL ? shippedNames(SHIPPED_RULES) : [name]))));
}

function* unknownGroups({ config, groups }: InForce): Generator<void, readonly ConfigurationWarning[]> {
  const names = new Set(groups.map(({ name }) => name));
  const unknown = Object.keys(config.alerting.groups).filter((name) => !names.has(name));
  const warnings: ConfigurationWarning[] = [];
  for (const name of unknown.slice(0, maxListedProblems)) {
    const message = `no rule file has a group "${name}"${suggestion(name, names)}`;
    warnings.push({ key: `alerting.groups.${name}`, message });
    yield;
  }
  const others = unknown.length - warnings.length;
  if (others > 0)
    warnings.push({ key: 'alerting.groups', message: `no rule file has ${others} more of its groups` });
  return warnings;
}

function retiredNames({ alerting }: InForce['config']): readonly ConfigurationWarning[] {
  return [...new Set(alerting.disable)].flatMap((name) => {
    const instead = SHIPPED_RULES.retired.get(name);
    const message = `Omoi ships no ${name} any more: ${instead}; take the name out`;
    return instead === undefined ? [] : [{ key: 'alerting.disable', message }];
  });
}

function suggestion(name: string, known: Iterable<string>): string {
  const near = nearestWord(name, known);
  return near === null ? '' : `; did you mean "${near}"?`;
}

function textOf({ name, operator, value }: Matcher): string {
  return `${name}${operator}${JSON.stringify(value)}`;
}

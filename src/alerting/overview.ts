import { Stretch, type ActiveAlertState, type Clock, type Labels, type TextRange } from '#telemetry';
import type { PaceReport } from './evaluation/rule-pace.ts';
import type { LoadedRules } from './rules/loaded-rules.ts';
import { templateTexts, type RuleGroup } from './rules/rule.ts';
import { alertState } from './state/instance.ts';
import type { RuleHealthReport } from './state/rule-health.ts';
import type { RuleState } from './state/rule-state.ts';

/** The groups as they are loaded, with how their rules do and how many label sets are pending or firing now. */
export interface GroupOverview {
  readonly file: string;
  readonly name: string;
  readonly intervalMs: number;
  /** Evaluation looks at the past by this much. */
  readonly queryOffsetMs: number;
  readonly limit: number;
  readonly rules: readonly RuleOverview[];
}

export interface RuleOverview {
  readonly kind: 'alerting' | 'recording';
  /** `group/name` */
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly expr: string;
  /** 0 for recording rules. */
  readonly forMs: number;
  readonly keepFiringForMs: number;
  /** As written; templates are not expanded. */
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly onArrival: boolean;
  readonly statistics: RuleHealthReport & PaceReport;
  /** Where it stands in its file, as that was read. */
  readonly place: TextRange;
  /** How many label sets are in each state. */
  readonly active: Readonly<Record<ActiveAlertState, number>>;
}

export interface OverviewContext {
  readonly clock: Clock;
  readonly defaultIntervalMs: number;
  readonly paceOf: (rule: RuleState) => PaceReport;
}

/** What is loaded, in stretches that let others have the event loop. */
export async function overviewOf(
  { groups, states }: Pick<LoadedRules, 'groups' | 'states'>,
  context: OverviewContext,
): Promise<readonly GroupOverview[]> {
  const stretch = new Stretch(context.clock);
  const overviews: GroupOverview[] = [];
  for (const group of groups) {
    const rules: RuleOverview[] = [];
    for (const { key } of group.rules) {
      if (stretch.isOver) await stretch.pause();
      const rule = states.get(key);
      if (rule) rules.push(ruleOverview(rule, context));
    }
    overviews.push(groupOverview(group, rules, context));
  }
  return overviews;
}

export function groupOverview(
  { file, name, limit, intervalMs, queryOffsetMs }: RuleGroup,
  rules: readonly RuleOverview[],
  { defaultIntervalMs }: OverviewContext,
): GroupOverview {
  return {
    file,
    name,
    limit,
    intervalMs: intervalMs ?? defaultIntervalMs,
    queryOffsetMs: queryOffsetMs ?? 0,
    rules,
  };
}

/** How many label sets of a rule are in each state. */
export function activeOf({ instances }: RuleState): RuleOverview['active'] {
  const active = { pending: 0, firing: 0 };
  for (const { phase } of instances.values()) {
    const name = alertState(phase);
    if (name !== null) active[name]++;
  }
  return active;
}

export function ruleOverview(state: RuleState, context: OverviewContext): RuleOverview {
  const { rule, pace } = state.definition;
  const isAlerting = rule.kind === 'alerting';
  return {
    kind: rule.kind,
    id: rule.id,
    key: rule.key,
    name: rule.name,
    expr: rule.expr,
    onArrival: pace.onArrival,
    statistics: { ...state.health, ...context.paceOf(state) },
    forMs: isAlerting ? rule.forMs : 0,
    keepFiringForMs: isAlerting ? rule.keepFiringForMs : 0,
    labels: isAlerting ? templateTexts(rule.labels) : rule.labels,
    annotations: isAlerting ? templateTexts(rule.annotations) : {},
    active: activeOf(state),
    place: rule.place,
  };
}

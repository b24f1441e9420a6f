import type { Labels } from '#telemetry';
import { expandAnnotations, type ExpansionContext } from './evaluation/alert-elements.ts';
import type { PaceReport } from './evaluation/rule-pace.ts';
import type { SlicedWork } from './evaluation/sliced-work.ts';
import type { LoadedRules } from './rules/loaded-rules.ts';
import { templateTexts, type AlertingRule } from './rules/rule.ts';
import { formatSampleValue } from './sample-value.ts';
import { alertState, type Instance } from './state/instance.ts';
import type { RuleHealthReport } from './state/rule-health.ts';
import type { RuleState } from './state/rule-state.ts';

/** The groups as they are loaded, with how their rules do and what they have in mind now. */
export interface GroupOverview {
  readonly file: string;
  readonly name: string;
  readonly intervalMs: number;
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
  readonly alerts: readonly ActiveAlert[];
}

/** A label set that is pending or firing. */
export interface ActiveAlert {
  /** Null while pending. */
  readonly alertId: string | null;
  readonly state: 'pending' | 'firing';
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly activeAtMs: number;
  /** Since when the condition has not held although the alert fires; null while it holds. */
  readonly missedSinceMs: number | null;
  /** As Prometheus writes values. */
  readonly value: string;
}

export interface OverviewContext {
  readonly defaultIntervalMs: number;
  readonly expansion: ExpansionContext;
  readonly paceOf: (rule: RuleState) => PaceReport;
}

export function* overviewOf(
  loaded: Pick<LoadedRules, 'groups' | 'states'>,
  context: OverviewContext,
): SlicedWork<readonly GroupOverview[]> {
  const { groups, states } = loaded;
  const overviews: GroupOverview[] = [];
  for (const group of groups) {
    const rules: RuleOverview[] = [];
    for (const { key } of group.rules) {
      const rule = states.get(key);
      if (rule) rules.push(yield* ruleOverview(rule, context));
    }
    overviews.push({
      file: group.file,
      name: group.name,
      intervalMs: group.intervalMs ?? context.defaultIntervalMs,
      limit: group.limit,
      rules,
    });
  }
  return overviews;
}

function* ruleOverview(state: RuleState, context: OverviewContext): SlicedWork<RuleOverview> {
  const { rule, pace } = state.definition;
  const common = {
    kind: rule.kind,
    id: rule.id,
    key: rule.key,
    name: rule.name,
    expr: rule.expr,
    onArrival: pace.onArrival,
    statistics: { ...state.health, ...context.paceOf(state) },
  };
  if (rule.kind === 'recording') {
    return { ...common, forMs: 0, keepFiringForMs: 0, labels: rule.labels, annotations: {}, alerts: [] };
  }
  const alerts: ActiveAlert[] = [];
  for (const instance of state.instances.values()) {
    const alert = activeAlert(rule, instance, context.expansion);
    if (alert) alerts.push(alert);
    yield;
  }
  return {
    ...common,
    forMs: rule.forMs,
    keepFiringForMs: rule.keepFiringForMs,
    labels: templateTexts(rule.labels),
    annotations: templateTexts(rule.annotations),
    alerts,
  };
}

function activeAlert(
  rule: AlertingRule,
  { alertId, labels, phase, sourceLabels, value }: Instance,
  expansion: ExpansionContext,
): ActiveAlert | null {
  const state = alertState(phase);
  if (state === null) return null;
  return {
    alertId,
    state,
    labels,
    annotations: expandAnnotations(rule, { labels: sourceLabels, value }, expansion),
    activeAtMs: phase.activeAtMs,
    missedSinceMs: phase.kind === 'keep_firing' ? phase.missedSinceMs : null,
    value: formatSampleValue(value),
  };
}

import type { Labels } from '#telemetry';
import { expandAnnotations, type ExpansionContext } from './evaluation/alert-elements.ts';
import type { RuleRun, RuleStatistics } from './evaluation/rule-run.ts';
import { alertState, type Instance } from './lifecycle/instance.ts';
import { formatSampleValue } from './sample-value.ts';
import { templateTexts, type AlertingRule } from './rules/rule.ts';
import type { RuleBook } from './rules/rule-book.ts';

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
  readonly statistics: Readonly<RuleStatistics>;
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

export function overviewOf(
  book: RuleBook,
  context: { readonly defaultIntervalMs: number; readonly expansion: ExpansionContext },
): readonly GroupOverview[] {
  return book.groups.map((group) => ({
    file: group.file,
    name: group.name,
    intervalMs: group.intervalMs ?? context.defaultIntervalMs,
    limit: group.limit,
    rules: group.rules.flatMap(({ key }) => {
      const run = book.runs.get(key);
      return run ? [ruleOverview(run, context.expansion)] : [];
    }),
  }));
}

function ruleOverview(run: RuleRun, expansion: ExpansionContext): RuleOverview {
  const { rule, pace } = run.loaded;
  const common = {
    kind: rule.kind,
    id: rule.id,
    key: rule.key,
    name: rule.name,
    expr: rule.expr,
    onArrival: pace.onArrival,
    statistics: { ...run.statistics },
  };
  if (rule.kind === 'recording') {
    return { ...common, forMs: 0, keepFiringForMs: 0, labels: rule.labels, annotations: {}, alerts: [] };
  }
  return {
    ...common,
    forMs: rule.forMs,
    keepFiringForMs: rule.keepFiringForMs,
    labels: templateTexts(rule.labels),
    annotations: templateTexts(rule.annotations),
    alerts: [...run.instances.values()].flatMap((instance) => activeAlert(rule, instance, expansion)),
  };
}

function activeAlert(rule: AlertingRule, instance: Instance, expansion: ExpansionContext): ActiveAlert[] {
  const { alertId, labels, phase, sourceLabels, value } = instance;
  const state = alertState(phase);
  if (state === null) return [];
  const element = { labels: sourceLabels, value };
  return [
    {
      alertId,
      state,
      labels,
      annotations: expandAnnotations(rule, element, expansion),
      activeAtMs: phase.activeAtMs,
      missedSinceMs: phase.kind === 'subsiding' ? phase.missedSinceMs : null,
      value: formatSampleValue(value),
    },
  ];
}

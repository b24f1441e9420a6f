import { formatExpression, narrowedTo, parseExpression } from '#promql';
import { parseLabels, type Labels } from '#telemetry';
import type { AlertRow } from './alerts/alert-row.ts';
import { dataExpressions } from './evaluation/data-expressions.ts';
import type { LoadedRules } from './rules/loaded-rules.ts';

/** The rule of an alert as it is loaded now. */
export interface AlertRule {
  readonly key: string;
  readonly id: string;
  readonly file: string;
  readonly expr: string;
  readonly forMs: number;
  readonly keepFiringForMs: number;
  /** Between the metric and the threshold, as if the metric stood on the left; null where it compares nothing such. */
  readonly comparison: string | null;
  readonly threshold: number | null;
  /**
   * The query of the value that the condition is held against, of the alert’s own series as far as they can be told from
   * others; null where there is no such value (`absent(…)`).
   */
  readonly valueQuery: string | null;
}

/** @returns null where the rule is not loaded any more */
export function ruleOfAlert(rules: Pick<LoadedRules, 'states'>, alert: AlertRow): AlertRule | null {
  return ruleFor(rules, { ruleKey: alert.rule_key, labels: parseLabels(alert.labels) });
}

/** As it is loaded now, for one of its label sets; null where it is not. */
export function ruleFor(
  rules: Pick<LoadedRules, 'states'>,
  { ruleKey, labels }: { readonly ruleKey: string; readonly labels: Labels },
): AlertRule | null {
  const state = rules.states.get(ruleKey);
  if (!state) return null;
  const { rule, group, query } = state.definition;
  if (rule.kind !== 'alerting') return null;
  return {
    key: rule.key,
    id: rule.id,
    file: group.file,
    expr: rule.expr,
    forMs: rule.forMs,
    keepFiringForMs: rule.keepFiringForMs,
    comparison: query.comparison,
    threshold: query.threshold,
    valueQuery: valueQueryOf(rule.expr, withoutOwn(labels, rule.labels)),
  };
}

/**
 * The query of the value that a condition is held against, of series with such labels; null where there is none (`absent(…)`). The
 * first of those that it looks at: of `x > 5 and y < 3` it is `x`.
 */
export function valueQueryOf(expr: string, labels: Labels): string | null {
  const [value] = dataExpressions(parseExpression(expr)) ?? [];
  return value === undefined ? null : formatExpression(narrowedTo(value, labels));
}

/** What a rule adds to its alerts, their series don’t have. */
function withoutOwn(labels: Labels, own: ReadonlyMap<string, unknown>): Labels {
  return Object.fromEntries(
    Object.entries(labels).filter(([name]) => name !== 'alertname' && !own.has(name)),
  );
}

import type { RuleQuery } from '../evaluation/rule-query.ts';
import type { GroupPace } from '../options.ts';
import type { Rule, RuleGroup } from './rule.ts';

/** A rule as it was loaded: what it says, and what it needs to be evaluated. */
export interface LoadedRule {
  readonly rule: Rule;
  readonly group: RuleGroup;
  readonly pace: GroupPace;
  readonly query: RuleQuery;
  /** Its place among all rules, in the order of files, groups and rules. */
  readonly order: number;
}

/** Whether nothing has changed that an evaluation depends on. */
export function isSameRule(before: LoadedRule, next: LoadedRule): boolean {
  return (
    before.rule.hash === next.rule.hash &&
    before.pace.onArrival === next.pace.onArrival &&
    before.pace.resolveStabilityMs === next.pace.resolveStabilityMs
  );
}

export { createAlerting, type AlertingParts } from './create-alerting.ts';
export { type ActiveAlert } from './active-alerts.ts';
export { type Alerting } from './alerting.ts';
export { type AlertRow } from './alerts/alert-row.ts';
export { DEFAULT_ALERTING_OPTIONS, type AlertingOptions } from './options.ts';
export { type GroupOverview, type RuleOverview } from './overview.ts';
export { type LoadReport } from './rules/loaded-rules.ts';
export type { LoadedRule } from './rules/loaded-rule.ts';
export { parseRuleFile, parseRuleFiles } from './rules/rule-file.ts';

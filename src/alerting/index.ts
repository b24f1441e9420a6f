export { createAlerting, type AlertingParts } from './create-alerting.ts';
export { type ActiveAlert } from './active-alerts.ts';
export { type AlertRule, valueQueryOf } from './alert-rule.ts';
export { type Alerting } from './alerting.ts';
export { type AlertRow } from './alerts/alert-row.ts';
export { DEFAULT_ALERTING_OPTIONS, type AlertingOptions } from './options.ts';
export { type GroupOverview, type RuleOverview } from './overview.ts';
export { previewRule, type PreviewSettings, type RulePreview } from './preview/preview-rule.ts';
export { readRuleSource, sourceOfRule, withRuleReplaced, type ReadRuleSource } from './rules/rule-source.ts';
export { type RuleHistory } from './rule-history.ts';
export { type RuleList, type RuleListQuery } from './rule-list.ts';
export { type LoadReport } from './rules/loaded-rules.ts';
export type { LoadedRule } from './rules/loaded-rule.ts';
export { parsePostings } from './posted/postings.ts';
export { parseRuleFile } from './rules/rule-file.ts';
export { parseRuleFiles } from './rules/rule-files.ts';
export { MemorySeries } from './offline/memory-series.ts';
export type { EndedAlert, OfflineAlert, OfflineAlertRule } from './offline/offline-alert-rule.ts';
export { OfflineRules, type OfflineFailure } from './offline/offline-rules.ts';
export { prepareForRule } from './evaluation/promql-queries.ts';
export type { RuleGroup } from './rules/rule.ts';
export { buildRuleGroups } from './rules/rule-set.ts';
export {
  duration as writtenDuration,
  optional as optionalKey,
  texts as writtenTexts,
} from './rules/written-values.ts';

import type {
  activeAlertAnswer,
  activeAlertsAnswer,
  agentsAnswer,
  alertRuleAnswer,
  bulkAnswer,
  commentsAnswer,
  alertsAnswer,
  eventsAnswer,
  explainAnswer,
  finishedTasksAnswer,
  maintenanceListSchema,
  messagesAnswer,
  onCallAnswer,
  outputAnswer,
  overviewAnswer,
  policyListSchema,
  poolsAnswer,
  receiversAnswer,
  receiverTestAnswer,
  remediationListSchema,
  routesAnswer,
  ruleCheckAnswer,
  rulePreviewAnswer,
  ruleSourceAnswer,
  ruleAnswer,
  ruleHistoryAnswer,
  rulesAnswer,
  routingTestAnswer,
  sessionBody,
  silencePreviewAnswer,
  silencesAnswer,
  tasksAnswer,
  traceAnswer,
  tracesAnswer,
  whyAnswer,
  watchdogStateSchema,
  SystemEvent,
  timelineAnswer,
} from '#api';
import type { z } from 'zod';

/** What the server answers, as its own schemas say. */
export type Session = z.output<typeof sessionBody>;
/** Something of the server's configuration that was hardly meant so. */
export interface ServerWarning {
  /** The key that it is about; empty where it is of several. */
  readonly key: string;
  readonly message: string;
}
export type Overview = z.output<typeof overviewAnswer> & { readonly warnings?: readonly ServerWarning[] };
export type AgentsAnswer = z.output<typeof agentsAnswer>;
export type Agent = AgentsAnswer['agents'][number];
export type Why = z.output<typeof whyAnswer>;
export type TasksAnswer = z.output<typeof tasksAnswer>;
export type FinishedTasksAnswer = z.output<typeof finishedTasksAnswer>;
export type Task = TasksAnswer['tasks'][number];
export type PoolsAnswer = z.output<typeof poolsAnswer>;
export type Pool = PoolsAnswer['pools'][number];
export type AgentOutputAnswer = z.output<typeof outputAnswer>;
export type ActiveAlertsAnswer = z.output<typeof activeAlertsAnswer>;
export type ActiveAlert = ActiveAlertsAnswer['active'][number];
export type ActiveAlertDetails = z.output<typeof activeAlertAnswer>;
export type AlertRuleAnswer = z.output<typeof alertRuleAnswer>;
export type AlertBulkAnswer = z.output<typeof bulkAnswer>;
export type RulesAnswer = z.output<typeof rulesAnswer>;
export type Rule = RulesAnswer['groups'][number]['rules'][number];
export type RuleAnswer = z.output<typeof ruleAnswer>;
export type RuleSourceAnswer = z.output<typeof ruleSourceAnswer>;
export type RuleCheckAnswer = z.output<typeof ruleCheckAnswer>;
export type RulePreviewAnswer = z.output<typeof rulePreviewAnswer>;
export type RuleHistoryAnswer = z.output<typeof ruleHistoryAnswer>;
export type CommentsAnswer = z.output<typeof commentsAnswer>;
export type AlertsAnswer = z.output<typeof alertsAnswer>;
export type Alert = AlertsAnswer['alerts'][number];
export type RemediationsAnswer = z.output<typeof remediationListSchema>;
export type Remediation = RemediationsAnswer['remediations'][number];
export type EventsAnswer = z.output<typeof eventsAnswer>;
export type Trace = z.output<typeof traceAnswer>;
export type TraceSummary = z.output<typeof tracesAnswer>['traces'][number];
export type Span = Trace['spans'][number];
export type MaintenancesAnswer = z.output<typeof maintenanceListSchema>;
export type Maintenance = MaintenancesAnswer['maintenances'][number];
export type WatchdogState = z.output<typeof watchdogStateSchema>;
export type PoliciesAnswer = z.output<typeof policyListSchema>;
export type Policy = PoliciesAnswer['policies'][number];
export type ExplainAnswer = z.output<typeof explainAnswer>;
/** Its events are of all types. */
export type TimelineAnswer = Omit<z.output<typeof timelineAnswer>, 'events'> & {
  readonly events: readonly SystemEvent[];
};
export type MessagesAnswer = z.output<typeof messagesAnswer>;
export type OnCallAnswer = z.output<typeof onCallAnswer>;
export type OnCallSchedule = OnCallAnswer['schedules'][number];
export type ReceiversAnswer = z.output<typeof receiversAnswer>;
export type Receiver = ReceiversAnswer['receivers'][number];
export type ReceiverTestAnswer = z.output<typeof receiverTestAnswer>;
export type RoutesAnswer = z.output<typeof routesAnswer>;
export type Route = RoutesAnswer['routes'][number];
export type RoutingTestAnswer = z.output<typeof routingTestAnswer>;
export type SilencesAnswer = z.output<typeof silencesAnswer>;
export type Silence = SilencesAnswer['silences'][number];
export type SilencePreview = z.output<typeof silencePreviewAnswer>;

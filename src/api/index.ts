export { ROLES, type Role } from './access/roles.ts';
export { type AgentScope, type ApiApp, type Principal } from './http/app.ts';
export { createAccess, type Access, type AccessOptions, type FirstAdmin } from './access/access.ts';
export { createApi, type Api, type ApiParts } from './create-api.ts';
export { CONNECTION_BOUNDS } from './http/connection-limits.ts';
export { type MetricFamily } from './metrics/exposition.ts';
export { registerAgentRoutes } from './agents/agent-routes.ts';
export { registerOutputRoute } from './agents/output-routes.ts';
export { createSecret } from './access/secret.ts';
export { registerOnCallRoutes } from './on-call/on-call-routes.ts';
export type { onCallAnswer } from './on-call/on-call-schemas.ts';
export { registerLinkRoutes } from './links/link-routes.ts';
export { registerLockRoutes } from './locks/lock-routes.ts';
export { registerTaskRoutes } from './tasks/task-routes.ts';

// For the dashboard, which reads their types alone.
export type { SystemEvent } from '#telemetry';
export type { sessionBody } from './access/session-routes.ts';
export type { agentsAnswer } from './agents/agent-schemas.ts';
export type { outputAnswer } from './agents/output-routes.ts';
export type {
  activeAlertAnswer,
  activeAlertsAnswer,
  alertRuleAnswer,
  alertsAnswer,
  timelineAnswer,
} from './alerts/alert-schemas.ts';
export type {
  explainAnswer,
  messagesAnswer,
  receiversAnswer,
  receiverTestAnswer,
} from './notification/notification-schemas.ts';
export type { eventsAnswer } from './events/event-schemas.ts';
export type { traceAnswer, tracesAnswer } from './observability/observability-schemas.ts';
export type { overviewAnswer } from './overview/overview-schemas.ts';
export type { poolsAnswer } from './pools/pool-schemas.ts';
export type { finishedTasksAnswer, tasksAnswer } from './tasks/task-schemas.ts';
export type { whyAnswer } from './why/why-schemas.ts';
export type {
  policyListSchema,
  remediationListSchema,
  watchdogStateSchema,
} from './watchdog/watchdog-schemas.ts';
export { registerAlertRoutes } from './alerts/alert-routes.ts';
export { type RuleRelations } from './alerts/rule-routes.ts';
export {
  registerRuleSourceRoutes,
  type CheckedSource,
  type RuleSource,
  type RuleSources,
} from './alerts/rule-source-routes.ts';
export { ruleCheckAnswer, rulePreviewAnswer, ruleSourceAnswer } from './alerts/rule-source-schemas.ts';
export { ruleAnswer, ruleHistoryAnswer, rulesAnswer } from './alerts/rule-schemas.ts';
export type { bulkAnswer, commentsAnswer } from './alerts/handling-schemas.ts';
export { registerNotificationRoutes } from './notification/notification-routes.ts';
export { registerRoutingRoutes } from './notification/routing-routes.ts';
export type { routesAnswer, routingTestAnswer } from './notification/routing-schemas.ts';
export { type AlertmanagerLanguage, type AlertmanagerParts } from './alertmanager/alertmanager-parts.ts';
export { registerAlertmanagerRoutes } from './alertmanager/alertmanager-routes.ts';
export type {
  AlertFilter,
  AlertStatus,
  AlertmanagerView,
  PostedAlert,
  PostedAlerts,
  PostedFrom,
  ViewedAlert,
  ViewedGroup,
  ViewedReceiver,
} from './alertmanager/alertmanager-view.ts';
export { registerEventRoutes } from './events/event-routes.ts';
export { registerMonitorRoutes } from './monitor/monitor-routes.ts';
export { registerObservabilityRoutes } from './observability/observability-routes.ts';
export { BodyBudget } from './http/body-budget.ts';
export { registerOtlpRoutes } from './otlp/otlp-routes.ts';
export { registerOverviewRoute } from './overview/overview-routes.ts';
export { registerPoolRoutes } from './pools/pool-routes.ts';
export { registerPrometheusQueryRoutes } from './prometheus/query-routes.ts';
export { registerPrometheusRuleRoutes } from './prometheus/rule-routes.ts';
export { registerPrometheusSeriesRoutes } from './prometheus/series-routes.ts';
export {
  registerPrometheusStatusRoutes,
  type FeatureFlags,
  type ServerFacts,
} from './prometheus/status-routes.ts';
export { registerReloadRoutes, type Reloaded } from './reload/reload-routes.ts';
export { registerRemoteWriteRoutes } from './prometheus/remote-write-route.ts';
export type { maintenanceListSchema } from './watchdog/maintenance-routes.ts';
export { registerMaintenanceRoutes } from './watchdog/maintenance-routes.ts';
export {
  registerSilenceRoutes,
  type SilenceLanguage,
  type SilenceRouteParts,
} from './silences/silence-routes.ts';
export type { silencePreviewAnswer, silencesAnswer } from './silences/silence-schemas.ts';
export { registerWhyRoute } from './why/why-routes.ts';
export { registerWatchdogRoutes } from './watchdog/watchdog-routes.ts';

export { ROLES, type AgentScope, type ApiApp, type Principal, type Role } from './app.ts';
export { createAccess, type Access, type AccessOptions, type FirstAdmin } from './access/access.ts';
export { ROUTE_TABLE, type RouteAccess } from './access/route-table.ts';
export { createApi, type Api, type ApiParts } from './create-api.ts';
export { type MetricFamily, type MetricPoint } from './exposition.ts';
export { registerAgentRoutes } from './routes/agents.ts';
export { registerLockRoutes } from './routes/locks.ts';
export { registerTaskRoutes } from './routes/tasks.ts';

// For the dashboard, which reads their types alone.
export type { SystemEvent } from '#telemetry';
export type { sessionBody } from './routes/session.ts';
export type { agentDetails, agentsAnswer } from './schemas/agents.ts';
export type { alertsAnswer } from './schemas/alerts.ts';
export type { eventsAnswer } from './schemas/events.ts';
export type { traceAnswer } from './schemas/observability.ts';
export type { poolsAnswer } from './schemas/pools.ts';
export type { tasksAnswer } from './schemas/tasks.ts';
export type { remediationListSchema, watchdogStateSchema } from './schemas/watchdog.ts';
export { registerAlertRoutes } from './routes/alerts.ts';
export { registerEventRoutes } from './routes/events.ts';
export { registerMonitorRoutes } from './routes/monitor.ts';
export { registerObservabilityRoutes } from './routes/observability.ts';
export { registerOtlpRoutes } from './routes/otlp.ts';
export { registerPoolRoutes } from './routes/pools.ts';
export { registerPrometheusRuleRoutes } from './routes/prometheus-rules.ts';
export { registerRemoteWriteRoutes } from './routes/remote-write.ts';
export { registerWatchdogRoutes } from './routes/watchdog.ts';

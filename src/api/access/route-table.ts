import type { Role } from '../http/app.ts';

/** Who may call a route. No role implies another: each is named where it may. */
export interface RouteAccess {
  readonly access: 'public' | readonly Role[];
  /** Loopback may come in without a token, while the switch is on. */
  readonly openOnLoopback: boolean;
}

const everybody: RouteAccess = { access: 'public', openOnLoopback: false };
const whoeverHasAToken = only('ingest', 'agent', 'viewer', 'operator', 'admin');
const readers = only('viewer', 'operator', 'admin');
const readersAndAgents = only('agent', 'viewer', 'operator', 'admin');
const agents = only('agent', 'operator', 'admin');
const senders = only('ingest', 'operator', 'admin');
const sendersAndAgents = only('ingest', 'agent', 'operator', 'admin');
const operators = only('operator', 'admin');
const admins = only('admin');

/**
 * Every route and who may call it: the reference. A test holds it against the running server, route by route in
 * both directions, and calls each route with every role that is not named.
 *
 * What decides: reading needs a role that reads; a change of what runs needs an operator; what can make Omoi run
 * a command or let somebody in needs an admin; what an agent says of itself needs that agent's token.
 */
export const ROUTE_TABLE: Readonly<Record<string, RouteAccess>> = {
  'GET /': everybody,
  'GET /assets/*': everybody,
  'GET /login': everybody,
  'GET /healthz': everybody,
  'GET /readyz': everybody,
  'GET /openapi.json': everybody,
  'GET /metrics': openOnLoopback(readers),
  'GET /api/v1/session': whoeverHasAToken,
  'POST /api/v1/session': everybody,
  'DELETE /api/v1/session': readers,
  'POST /api/v1/login-links': readers,
  'GET /api/v1/tokens': admins,
  'POST /api/v1/tokens': admins,
  'DELETE /api/v1/tokens/:token_id': admins,
  'GET /api/v1/audit': admins,
  'GET /api/v1/fleet/agents': readersAndAgents,
  'POST /api/v1/fleet/agents': agents,
  'GET /api/v1/fleet/agents/:agent_id': readersAndAgents,
  'DELETE /api/v1/fleet/agents/:agent_id': operators,
  'POST /api/v1/fleet/agents/:agent_id/heartbeat': agents,
  'POST /api/v1/fleet/agents/:agent_id/deregister': agents,
  'POST /api/v1/fleet/agents/:agent_id/quarantine': operators,
  'POST /api/v1/fleet/agents/:agent_id/release': operators,
  'GET /api/v1/fleet/tasks': readersAndAgents,
  'POST /api/v1/fleet/tasks': agents,
  'GET /api/v1/fleet/tasks/:task_id': readersAndAgents,
  'POST /api/v1/fleet/tasks/batch': agents,
  'POST /api/v1/fleet/tasks/claim': agents,
  'POST /api/v1/fleet/tasks/:task_id/renew': agents,
  'POST /api/v1/fleet/tasks/:task_id/complete': agents,
  'POST /api/v1/fleet/tasks/:task_id/fail': agents,
  'POST /api/v1/fleet/tasks/:task_id/handoff': agents,
  'POST /api/v1/fleet/tasks/:task_id/reassign': operators,
  'POST /api/v1/fleet/tasks/:task_id/cancel': operators,
  'GET /api/v1/fleet/locks': readersAndAgents,
  'POST /api/v1/fleet/locks': agents,
  'GET /api/v1/fleet/locks/:lock_id': readersAndAgents,
  'DELETE /api/v1/fleet/locks/:lock_id': operators,
  'POST /api/v1/fleet/locks/:lock_id/renew': agents,
  'POST /api/v1/fleet/locks/:lock_id/release': agents,
  'GET /api/v1/fleet/pools': readers,
  'POST /api/v1/fleet/pools': admins,
  'GET /api/v1/fleet/pools/:pool_id': readers,
  'PATCH /api/v1/fleet/pools/:pool_id': admins,
  'DELETE /api/v1/fleet/pools/:pool_id': admins,
  'POST /api/v1/fleet/pools/:pool_id/scale': operators,
  'PUT /api/v1/fleet/pools/:pool_id/claims/:claim_id': operators,
  'DELETE /api/v1/fleet/pools/:pool_id/claims/:claim_id': operators,
  'POST /api/v1/fleet/agents/:agent_id/restart': operators,
  'POST /api/v1/fleet/agents/:agent_id/stop': operators,
  'GET /api/v1/monitor/metrics': readers,
  'GET /api/v1/monitor/catalogue': readers,
  'GET /api/v1/monitor/agents': readers,
  'GET /api/v1/monitor/anomalies': readers,
  'GET /api/v1/monitor/anomalies/:anomaly_id': readers,
  'POST /api/v1/monitor/anomalies/:anomaly_id/acknowledge': operators,
  'GET /api/v1/alerts/rules': readers,
  'GET /api/v1/alerts': readers,
  'GET /api/v1/alerts/:alert_id': readers,
  'GET /api/v1/alerts/:alert_id/timeline': readers,
  'POST /api/v1/alerts/:alert_id/acknowledge': operators,
  'POST /api/v1/alerts/:alert_id/resolve': operators,
  'GET /api/v1/watchdog/policies': readers,
  'GET /api/v1/watchdog/remediations': readers,
  'GET /api/v1/watchdog/remediations/:id': readers,
  'POST /api/v1/watchdog/remediations/:id/approve': operators,
  'POST /api/v1/watchdog/remediations/:id/reject': operators,
  'GET /api/v1/watchdog/state': readers,
  'POST /api/v1/watchdog/pause': operators,
  'POST /api/v1/watchdog/resume': operators,
  'GET /api/v1/observability/traces': readers,
  'GET /api/v1/observability/traces/:trace_id': readers,
  'GET /api/v1/observability/logs': readers,
  'GET /api/v1/events/stream': readers,
  'GET /api/v1/events': readers,
  'GET /prometheus/api/v1/rules': readers,
  'GET /prometheus/api/v1/alerts': readers,
  'GET /prometheus/api/v1/query': readers,
  'POST /prometheus/api/v1/query': readers,
  'GET /prometheus/api/v1/query_range': readers,
  'POST /prometheus/api/v1/query_range': readers,
  'GET /prometheus/api/v1/query_exemplars': readers,
  'POST /prometheus/api/v1/query_exemplars': readers,
  'GET /prometheus/api/v1/format_query': readers,
  'POST /prometheus/api/v1/format_query': readers,
  'GET /prometheus/api/v1/parse_query': readers,
  'POST /prometheus/api/v1/parse_query': readers,
  'GET /prometheus/api/v1/series': readers,
  'POST /prometheus/api/v1/series': readers,
  'GET /prometheus/api/v1/labels': readers,
  'POST /prometheus/api/v1/labels': readers,
  'GET /prometheus/api/v1/label/:name/values': readers,
  'GET /prometheus/api/v1/metadata': readers,
  'GET /prometheus/api/v1/status/buildinfo': readers,
  'GET /prometheus/api/v1/status/config': readers,
  'GET /prometheus/api/v1/status/flags': readers,
  'GET /prometheus/api/v1/status/runtimeinfo': readers,
  'GET /prometheus/api/v1/status/tsdb': readers,
  'GET /prometheus/-/healthy': everybody,
  'GET /prometheus/-/ready': everybody,
  'POST /prometheus/api/v1/write': openOnLoopback(senders),
  'POST /v1/metrics': openOnLoopback(sendersAndAgents),
  'POST /v1/traces': openOnLoopback(sendersAndAgents),
  'POST /v1/logs': openOnLoopback(sendersAndAgents),
};

function only(...access: readonly Role[]): RouteAccess {
  return { access, openOnLoopback: false };
}

function openOnLoopback(route: RouteAccess): RouteAccess {
  return { ...route, openOnLoopback: true };
}

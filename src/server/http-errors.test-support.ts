import { ERROR_CATALOGUE, type ErrorCode } from '#telemetry';
import { tableRow } from '../schema-tables.test-support.ts';
import { inputsOf, type Route } from './http-routes.test-support.ts';

interface Kind {
  readonly title: string;
  /** By what the schemas say of a route. */
  readonly has: (route: Route) => boolean;
  readonly codes: readonly ErrorCode[];
}

const names = (name: string, where?: string) => (route: Route) =>
  inputsOf(route).some((one) => one.name === name && (where === undefined || one.where === where));
const under =
  (...prefixes: readonly string[]) =>
  ({ line }: Route) =>
    prefixes.some((prefix) => line.split(' ')[1]?.startsWith(prefix));
const lines =
  (...wanted: readonly RegExp[]) =>
  ({ line }: Route) =>
    wanted.some((pattern) => pattern.test(line));
const changes = ({ line }: Route): boolean => !line.startsWith('GET ');
const takesBody = ({ operation }: Route): boolean => operation.requestBody !== undefined;
const hasAccess = ({ operation }: Route): boolean => operation['x-omoi-access'] !== 'public';

/** Which kind of route answers which errors; a code may be of several kinds. */
const KINDS: readonly Kind[] = [
  {
    title: 'every route',
    has: () => true,
    codes: [
      'invalid_request',
      'host_not_allowed',
      'expectation_failed',
      'shutting_down',
      'internal_error',
      'server_fenced',
      'database_failed',
    ],
  },
  {
    title: 'a path, or a method of one, that there is not',
    has: () => true,
    codes: ['not_found', 'method_not_allowed'],
  },
  { title: 'below `/api/v1`', has: under('/api/v1'), codes: ['unknown_key'] },
  {
    title: 'for some roles',
    has: hasAccess,
    codes: ['unauthenticated', 'forbidden', 'token_scope'],
  },
  {
    title: 'asked by a browser that is logged in',
    has: (route) => hasAccess(route) && changes(route),
    codes: ['csrf_token_missing', 'origin_not_allowed'],
  },
  {
    title: 'with a body',
    has: takesBody,
    codes: ['malformed_json', 'body_too_large', 'unsupported_media_type', 'server_busy'],
  },
  {
    title: 'that changes something',
    has: changes,
    codes: [
      'not_ready',
      'database_busy',
      'database_conflict',
      'commit_unknown',
      'storage_full',
      'storage_failed',
    ],
  },
  { title: 'with a `cursor`', has: names('cursor', 'query'), codes: ['invalid_cursor'] },
  {
    title: 'that goes on (a live stream)',
    has: lines(/\/stream$/),
    codes: ['too_many_streams'],
  },
  { title: 'about an agent', has: names('agent_id'), codes: ['unknown_agent'] },
  {
    title: 'of an agent about itself (`generation`)',
    has: names('generation', 'body'),
    codes: ['unknown_generation', 'generation_superseded', 'agent_gone'],
  },
  {
    title: '`POST /api/v1/fleet/agents`',
    has: lines(/^POST \/api\/v1\/fleet\/agents$/),
    codes: ['generation_taken', 'agent_id_reserved', 'agent_is_managed', 'agent_limit_reached'],
  },
  {
    title: 'an order to an agent',
    has: lines(/^(?:POST|DELETE) \/api\/v1\/fleet\/agents\/\{agent_id\}/),
    codes: ['agent_not_managed', 'agent_is_managed', 'transition_not_allowed'],
  },
  { title: 'about a pool', has: names('pool_id'), codes: ['unknown_pool'] },
  {
    title: 'that makes or changes a pool',
    has: (route) => changes(route) && under('/api/v1/fleet/pools')(route),
    codes: ['pool_exists', 'pool_bounds'],
  },
  { title: 'about a task', has: names('task_id'), codes: ['unknown_task'] },
  {
    title: 'that enqueues or claims tasks',
    has: lines(/^POST \/api\/v1\/fleet\/tasks(?:\/batch|\/claim)?$/),
    codes: ['queue_full', 'claim_limit_reached', 'agent_not_claiming'],
  },
  {
    title: 'that changes a task',
    has: (route) => changes(route) && names('task_id')(route),
    codes: ['lease_lost', 'task_not_claimed', 'task_not_parked', 'task_finished', 'too_many_handoffs'],
  },
  {
    title: 'about locks',
    has: under('/api/v1/fleet/locks'),
    codes: ['unknown_lock', 'lock_held', 'lock_lost', 'lock_limit_reached'],
  },
  {
    title: 'about an alert or a rule',
    has: under('/api/v1/alerts'),
    codes: [
      'unknown_alert',
      'unknown_rule',
      'rule_not_writable',
      'rule_file_changed',
      'alert_resolved',
      'alert_limit_reached',
    ],
  },
  {
    title: 'about silences',
    has: under('/api/v1/alerts/silences'),
    codes: ['invalid_silence', 'silence_ended', 'too_many_silences', 'unknown_silence'],
  },
  {
    title: 'about a message',
    has: under('/api/v1/alerts/notifications'),
    codes: ['unknown_notification'],
  },
  { title: 'about a receiver', has: under('/api/v1/alerts/receivers/'), codes: ['unknown_receiver'] },
  { title: 'about an anomaly', has: under('/api/v1/monitor/anomalies'), codes: ['unknown_anomaly'] },
  {
    title: 'about who is on call',
    has: under('/api/v1/alerts/on-call'),
    codes: ['unknown_on_call', 'invalid_override'],
  },
  {
    title: 'of a link in a message',
    has: under('/n/'),
    codes: ['link_invalid', 'too_many_link_tries', 'unknown_alert', 'alert_resolved'],
  },
  {
    title: 'about a remediation or a policy',
    has: under('/api/v1/watchdog/remediations', '/api/v1/watchdog/policies'),
    codes: ['unknown_remediation', 'remediation_settled', 'unknown_policy'],
  },
  {
    title: 'about maintenance',
    has: under('/api/v1/watchdog/maintenance'),
    codes: ['unknown_maintenance', 'unknown_target', 'too_many_maintenances'],
  },
  { title: 'about a trace', has: names('trace_id', 'path'), codes: ['unknown_trace'] },
  {
    title: 'that evaluates a query',
    has: under(
      ...['query', 'format_query', 'parse_query', 'series', 'label'].map(
        (name) => `/prometheus/api/v1/${name}`,
      ),
    ),
    codes: ['query_invalid', 'query_limit', 'query_timeout', 'too_many_queries', 'query_failed'],
  },
  {
    title: 'that takes telemetry',
    has: under('/v1/', '/prometheus/api/v1/write', '/alertmanager/api/v2/alerts'),
    codes: ['payload_undecodable', 'ingest_busy', 'labels_invalid', 'series_limit_reached', 'sample_refused'],
  },
  {
    title: 'about tokens',
    has: under('/api/v1/tokens'),
    codes: ['unknown_token', 'token_name_taken'],
  },
  { title: 'that logs a browser in', has: lines(/\/login/, /\/session/), codes: ['login_link_invalid'] },
  {
    title: 'that reloads',
    has: lines(/reload/),
    codes: [
      'config_invalid',
      'rule_file_invalid',
      'policy_file_invalid',
      'files_changing',
      'routing_invalid',
    ],
  },
];

/** Of a start or the command line: no route answers them. */
const OF_NO_ROUTE: readonly ErrorCode[] = [
  // Of a message that is tried again.
  'secret_unreadable',
  'gameday_file_invalid',
  'rule_test_file_invalid',
  'address_unavailable',
  'data_directory_exposed',
  'data_directory_unusable',
  'backup_failed',
  'database_too_new',
];

/** The table of docs/http.md. @throws Error where a kind has no route, or a code of the catalogue no kind */
export function errorsOfRoutes(routes: readonly Route[]): readonly string[] {
  const idle = KINDS.filter(({ has }) => !routes.some(has)).map(({ title }) => title);
  if (idle.length > 0) throw new Error(`no route is of the kind: ${idle.join(', ')}`);
  const told = new Set([...KINDS.flatMap(({ codes }) => codes), ...OF_NO_ROUTE]);
  const missing = Object.keys(ERROR_CATALOGUE).filter((code) => !told.has(code as ErrorCode));
  if (missing.length > 0) throw new Error(`no kind of route answers: ${missing.join(', ')}`);
  return [
    tableRow(['a route', 'may answer']),
    '|---|---|',
    ...KINDS.map(({ title, codes }) => tableRow([title, codes.map((code) => `\`${code}\``).join(', ')])),
  ];
}

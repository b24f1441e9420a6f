import { entry, type ErrorEntry } from './error-entry.ts';

/** Of telemetry and queries, and of what is made of them: alerts, repairs, traces. */
export const SIGNAL_ERRORS = {
  // telemetry
  labels_invalid: entry(
    400,
    'A name or value of a label is not allowed, or there are too many of them.',
    'Correct the label that the message names.',
  ),
  series_limit_reached: entry(
    429,
    'As many series are in memory as the store keeps.',
    'Drop a label of high cardinality, or raise the limit that the message names.',
  ),
  sample_refused: entry(
    400,
    'Samples were too old, in the future, out of order, or of a series of somebody else.',
    'Send samples in order and with a right clock; the message counts the reasons.',
  ),
  payload_undecodable: entry(
    400,
    'The body is not of the format that the endpoint takes.',
    'Send what the endpoint’s format asks for; the message names the place.',
  ),
  ingest_busy: entry(
    503,
    'As much telemetry is being taken in as the server does at a time.',
    'Send it again in a moment.',
    true,
  ),
  query_invalid: entry(
    400,
    'The expression is no PromQL, or its parts do not go together.',
    'Correct the expression at the position that the message names.',
  ),
  query_limit: entry(
    422,
    'The query needs more series, samples or memory than one may have.',
    'Ask for fewer series or a shorter range; the message names the limit.',
  ),
  query_timeout: entry(
    503,
    'The query took longer than it may.',
    'Ask for less, or raise the time limit.',
    true,
  ),
  too_many_queries: entry(
    503,
    'As many queries run and wait as the server takes.',
    'Try again when the queries that run have ended.',
    true,
  ),
  query_failed: entry(
    422,
    'The expression is good, but the data that it found cannot be combined so.',
    'The message names the operation that the data does not allow.',
  ),
  // alerting and watchdog
  unknown_alert: entry(
    404,
    'No alert has this id, or its retention is over.',
    'List the alerts to see what exists.',
  ),
  rule_not_writable: entry(
    409,
    'A rule can’t be saved where it stands: Omoi ships it, its file can’t be written, or it can’t be replaced alone.',
    'The message says why; edit its file, or copy the rule into one of your own.',
  ),
  rule_file_changed: entry(
    409,
    'The file of a rule is not as it was when the rule was read.',
    'Read the rule anew, and change it then.',
  ),
  unknown_rule: entry(404, 'No rule that is loaded has this name.', 'List the rules to see what exists.'),
  unknown_anomaly: entry(
    404,
    'No anomaly has this id, or its retention is over.',
    'List the anomalies to see what exists.',
  ),
  alert_limit_reached: entry(
    409,
    'As many alerts are snoozed, or as many comments are on one, as may be.',
    'The message names the limit. End snoozes that are no longer needed (`omoi alerts unsnooze`), or silence what many alerts have in common (`omoi silences add`).',
  ),
  alert_resolved: entry(
    409,
    'The alert has ended, so that it can be neither acknowledged, snoozed, assigned nor resolved.',
    'The alert has ended; nothing is left to do.',
  ),
  unknown_policy: entry(
    404,
    'No policy that is in force has this name.',
    'List the policies to see what exists.',
  ),
  unknown_remediation: entry(
    404,
    'No remediation has this id, or its retention is over.',
    'List the remediations to see what exists.',
  ),
  unknown_maintenance: entry(
    404,
    'No maintenance has this id.',
    'List what is under maintenance with `omoi maintenance list`.',
  ),
  unknown_target: entry(
    404,
    'Nothing in the fleet has this name, or several kinds of thing have it.',
    'Name a pool, a host or an agent that is there: `pool:ID`, `host:NAME`, `agent:ID`.',
  ),
  too_many_maintenances: entry(
    409,
    'As many things are under maintenance as may be at a time.',
    'End those that are no longer needed: `omoi maintenance list`, then `end`.',
  ),
  remediation_settled: entry(
    409,
    'Somebody has decided on the remediation already, or it does not wait for a decision.',
    'The remediation has ended or moved on; read its present state.',
  ),
  // observability
  unknown_trace: entry(404, 'No span of this trace is kept.', 'The trace is unknown or past its retention.'),
} as const satisfies Record<string, ErrorEntry>;

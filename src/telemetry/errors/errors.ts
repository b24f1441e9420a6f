interface ErrorEntry {
  /** The HTTP status a client sees. */
  readonly status: number;
  /** Whether the same call may succeed later without being changed. */
  readonly retryable: boolean;
  /** What to do about it, for the page in docs/errors.md. */
  readonly remedy: string;
}

const entry = (status: number, remedy: string, retryable = false): ErrorEntry => ({
  status,
  retryable,
  remedy,
});

/** Every coded error of Omoi. A test holds it against docs/errors.md. */
export const ERROR_CATALOGUE = {
  // requests
  invalid_request: entry(400, 'Correct the field that the message names.'),
  unknown_key: entry(
    400,
    'Correct or leave out the key or parameter that the message names. Where a client newer than the server sends it, update the server first.',
  ),
  invalid_cursor: entry(
    400,
    'Begin with the first page. A cursor goes with the list and the filters that gave it.',
  ),
  malformed_json: entry(400, 'Send well-formed JSON.'),
  body_too_large: entry(413, 'Send less at once; the message names the limit.'),
  unsupported_media_type: entry(415, 'Send one of the content types that the message lists.'),
  not_found: entry(404, 'Check the path.'),
  expectation_failed: entry(417, 'Send no `Expect` header but `100-continue`.'),
  method_not_allowed: entry(405, 'Use a method that the path supports.'),
  internal_error: entry(500, 'Look at the server log for the request id and report it.'),
  shutting_down: entry(503, 'Try again; the server is stopping.', true),
  not_ready: entry(503, 'Wait for the parts that the message names.', true),
  server_busy: entry(503, 'Send it again in a moment.', true),
  too_many_streams: entry(503, 'Close a dashboard, or raise the limit that the message names.', true),
  host_not_allowed: entry(
    403,
    'Use an address the server listens on, or list the host under `http.allowed_hosts`.',
  ),
  origin_not_allowed: entry(403, 'Call from the dashboard’s own origin.'),
  // access
  unauthenticated: entry(401, 'Send `Authorization: Bearer <token>` or log in.'),
  forbidden: entry(403, 'Use a token whose role the message names.'),
  token_scope: entry(403, 'Use a token that is bound to this agent or pool.'),
  csrf_token_missing: entry(403, 'Send the session’s CSRF token in the `x-omoi-csrf` header.'),
  unknown_token: entry(404, 'List the tokens to see what exists.'),
  token_name_taken: entry(409, 'Choose another name, or revoke the token of that name.'),
  login_link_invalid: entry(401, 'Make a new login link with `omoi token login`.'),
  // configuration
  config_invalid: entry(400, 'Correct the key at the line that the message names.'),
  rule_file_invalid: entry(400, 'Correct the line that the message names; the old rules keep running.'),
  policy_file_invalid: entry(400, 'Correct the line that the message names; the old policies keep running.'),
  gameday_file_invalid: entry(400, 'Correct the line that the message names.'),
  address_unavailable: entry(
    500,
    'Stop the program that listens there, or choose another address by the key that the message names.',
  ),
  // storage
  data_directory_exposed: entry(500, 'Type the command that the message names, or choose another directory.'),
  data_directory_unusable: entry(
    500,
    'Do what the message says, or choose another directory by `data_directory` or `OMOI_DATA_DIRECTORY`.',
  ),
  backup_failed: entry(500, 'Do what the message says, or choose another file.'),
  database_too_new: entry(500, 'Start the Omoi version that wrote the database, or a newer one.'),
  database_busy: entry(
    500,
    'Stop the other server that uses this data directory or PostgreSQL database, or choose another.',
  ),
  database_failed: entry(503, 'Look at the server log for the cause; the call may be repeated.', true),
  commit_unknown: entry(
    503,
    'Look whether it was done before you do it again: Omoi ended while it was written, and knows after its next start.',
  ),
  database_conflict: entry(
    503,
    'Try again; other changes of the same rows got in the way several times in a row.',
    true,
  ),
  server_fenced: entry(
    503,
    'Ask the server that the message names: it has taken over, and this one ends with exit code 75.',
    true,
  ),
  storage_full: entry(507, 'Free disk space; writing resumes by itself.', true),
  storage_failed: entry(503, 'Look at the server log for the cause.', true),
  // fleet
  unknown_agent: entry(404, 'Register the agent first.'),
  unknown_pool: entry(404, 'Create the pool first.'),
  unknown_task: entry(404, 'List the tasks to see what exists.'),
  unknown_lock: entry(404, 'List the locks to see what is held.'),
  unknown_generation: entry(404, 'Use the generation that the registration returned.'),
  generation_taken: entry(409, 'Another process registered this generation; stop, or ask for a new one.'),
  generation_superseded: entry(409, 'A newer generation of this agent runs; stop this one.'),
  agent_gone: entry(409, 'The agent has ended; register again as a new generation.'),
  agent_id_reserved: entry(409, 'Register under an id that no pool gives to its agents.'),
  agent_is_managed: entry(409, 'Change the pool instead; Omoi starts and stops its agents.'),
  agent_not_claiming: entry(409, 'The agent’s status does not let it take work; the message names it.'),
  transition_not_allowed: entry(409, 'Read the present state; the message names it.'),
  agent_not_managed: entry(409, 'Restart it where it was started; Omoi only watches it.'),
  agent_limit_reached: entry(
    429,
    'Deregister agents that are gone, or raise the limit that the message names.',
  ),
  queue_full: entry(
    429,
    'Try again when tasks have been done, or raise the limit that the message names.',
    true,
  ),
  claim_limit_reached: entry(
    429,
    'Wait for the claims that were asked already, by the agent or by its owner as the details say, or end them; one claim takes several tasks with max_tasks.',
    true,
  ),
  pool_exists: entry(409, 'Update the pool instead.'),
  pool_bounds: entry(400, 'Keep min ≤ desired ≤ max, and max within what the message says.'),
  lease_lost: entry(
    409,
    'Drop the work: the task has been given to somebody else; the message says to whom.',
  ),
  task_not_claimed: entry(409, 'Claim the task before you complete it.'),
  task_not_parked: entry(
    409,
    'Only a parked or failed task can be retried; the message says where it stands.',
  ),
  too_many_handoffs: entry(
    409,
    'Complete the task or fail it: it goes in a circle. Queued again by a person it may be handed on again.',
  ),
  task_finished: entry(409, 'The task has ended; nothing is left to do.'),
  lock_held: entry(409, 'Try again when the present holder’s lease has ended; the message names it.', true),
  lock_lost: entry(409, 'Drop what the lock protected: it has expired or was taken over.'),
  lock_limit_reached: entry(
    429,
    'Release locks that are not needed any more, or let them run out; the message names the limit.',
    true,
  ),
  // telemetry
  labels_invalid: entry(400, 'Correct the label that the message names.'),
  series_limit_reached: entry(
    429,
    'Drop a label of high cardinality, or raise the limit that the message names.',
  ),
  sample_refused: entry(400, 'Send samples in order and with a right clock; the message counts the reasons.'),
  payload_undecodable: entry(400, 'Send what the endpoint’s format asks for; the message names the place.'),
  ingest_busy: entry(503, 'Send it again in a moment.', true),
  query_invalid: entry(400, 'Correct the expression at the position that the message names.'),
  query_limit: entry(422, 'Ask for fewer series or a shorter range; the message names the limit.'),
  query_timeout: entry(503, 'Ask for less, or raise the time limit.', true),
  too_many_queries: entry(503, 'Try again when the queries that run have ended.', true),
  query_failed: entry(422, 'The message names the operation that the data does not allow.'),
  // alerting and watchdog
  unknown_alert: entry(404, 'List the alerts to see what exists.'),
  unknown_rule: entry(404, 'List the rules to see what exists.'),
  unknown_anomaly: entry(404, 'List the anomalies to see what exists.'),
  alert_resolved: entry(409, 'The alert has ended; nothing is left to do.'),
  unknown_policy: entry(404, 'List the policies to see what exists.'),
  unknown_remediation: entry(404, 'List the remediations to see what exists.'),
  unknown_maintenance: entry(404, 'List what is under maintenance with `omoi maintenance list`.'),
  unknown_target: entry(
    404,
    'Name a pool, a host or an agent that is there: `pool:ID`, `host:NAME`, `agent:ID`.',
  ),
  too_many_maintenances: entry(
    409,
    'End those that are no longer needed: `omoi maintenance list`, then `end`.',
  ),
  remediation_settled: entry(409, 'The remediation has ended or moved on; read its present state.'),
  // observability
  unknown_trace: entry(404, 'The trace is unknown or past its retention.'),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

/** An error of the catalogue. The message names the thing and the place, and says what to do. */
export class OmoiError extends Error {
  override readonly name = 'OmoiError';
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return ERROR_CATALOGUE[this.code].status;
  }

  get retryable(): boolean {
    return ERROR_CATALOGUE[this.code].retryable;
  }
}

/** The text of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

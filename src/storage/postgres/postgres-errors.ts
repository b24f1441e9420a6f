import { messageOf, OmoiError } from '#telemetry';

/**
 * SQLSTATE classes and codes that tell of the server or the connection, not of the statement
 * (https://www.postgresql.org/docs/current/errcodes-appendix.html): connection exceptions, insufficient
 * resources, operator intervention, system error.
 */
const MACHINE_CLASSES: ReadonlySet<string> = new Set(['08', '53', '57', '58']);
/**
 * Transaction rollback: serialization failure, deadlock, and their kin. The server is well and has undone the whole
 * transaction; the same may succeed at once. Not 40003, where it is unknown whether it was committed.
 */
const ROLLED_BACK_FOR_OTHERS: ReadonlySet<string> = new Set(['40000', '40001', '40P01']);
const OUTCOME_UNKNOWN = '40003';
const DISK_FULL = '53100';
const SQLSTATE = /^[0-9A-Z]{5}$/;
/** pg and Node name a lost or refused connection by these. */
const CONNECTION_FAILURE =
  /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)|connection terminated|timeout (exceeded|expired)|client has encountered a connection error|not queryable/i;

const POOL_CLOSED = /^cannot use a pool after calling end/i;

/**
 * The error that a caller sees: `storage_full`, `database_failed`, `database_conflict`, `shutting_down`, or the error
 * itself, the programmer's.
 */
export function postgresErrorOf(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof OmoiError) return thrown;
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
  if (code === DISK_FULL) {
    return new OmoiError('storage_full', 'the disk of the PostgreSQL server is full', {}, thrown);
  }
  if (POOL_CLOSED.test(thrown.message)) {
    return new OmoiError('shutting_down', 'the PostgreSQL database is closed', {}, thrown);
  }
  if (ROLLED_BACK_FOR_OTHERS.has(code)) {
    return new OmoiError('database_conflict', `PostgreSQL: ${messageOf(thrown) || code}`, {}, thrown);
  }
  const failed = SQLSTATE.test(code)
    ? MACHINE_CLASSES.has(code.slice(0, 2)) || code === OUTCOME_UNKNOWN
    : CONNECTION_FAILURE.test(code) || CONNECTION_FAILURE.test(thrown.message);
  if (!failed) return thrown;
  return new OmoiError('database_failed', `PostgreSQL: ${messageOf(thrown) || code}`, {}, thrown);
}

/** `invalid_parameter_value`: of an id that this server has not given yet. */
const INVALID_PARAMETER = '22023';

/** Whether a transaction id was refused because it lies in the future. */
export function isOfFuture(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === INVALID_PARAMETER;
}

/** `syntax_error_or_access_rule_violation`: no such function, or not for this user. */
const REFUSED_CLASS = '42';

/** Whether PostgreSQL refused a statement for what it is: it will the next time too. */
export function isRefusedStatement(thrown: unknown): boolean {
  if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'string') return false;
  return SQLSTATE.test(thrown.code) && thrown.code.startsWith(REFUSED_CLASS);
}

import { messageOf, OmoiError } from '#telemetry';

/**
 * SQLSTATE classes and codes that tell of the server or the connection, not of the statement
 * (https://www.postgresql.org/docs/current/errcodes-appendix.html): connection exceptions, transaction rollback
 * (serialization, deadlock), insufficient resources, operator intervention, system error.
 */
const MACHINE_CLASSES: ReadonlySet<string> = new Set(['08', '40', '53', '57', '58']);
const DISK_FULL = '53100';
const SQLSTATE = /^[0-9A-Z]{5}$/;
/** pg and Node name a lost or refused connection by these. */
const CONNECTION_FAILURE =
  /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)|connection terminated|timeout exceeded|client has encountered a connection error|not queryable/i;

const POOL_CLOSED = /^cannot use a pool after calling end/i;

/** The error that a caller sees: `storage_full`, `database_failed`, `shutting_down`, or the error itself, the programmer's. */
export function postgresErrorOf(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof OmoiError) return thrown;
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
  if (code === DISK_FULL) {
    return new OmoiError('storage_full', 'the disk of the PostgreSQL server is full', {}, thrown);
  }
  if (POOL_CLOSED.test(thrown.message)) {
    return new OmoiError('shutting_down', 'the PostgreSQL database is closed', {}, thrown);
  }
  const failed = SQLSTATE.test(code)
    ? MACHINE_CLASSES.has(code.slice(0, 2))
    : CONNECTION_FAILURE.test(code) || CONNECTION_FAILURE.test(thrown.message);
  if (!failed) return thrown;
  return new OmoiError('database_failed', `PostgreSQL: ${messageOf(thrown) || code}`, {}, thrown);
}

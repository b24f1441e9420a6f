import type { Client } from 'pg';
import type { Clock, Logger } from '#telemetry';

/** Of many who hold what is waited for so many are named. */
const maxNamedHolders = 3;
const maxNamedLocks = 5;
const maxQueryCharacters = 200;

/** Somebody else's session that holds, or stands in line for, a lock that a statement of this server waits for. */
export interface LockHolder {
  /** 0 for a prepared transaction, which has no session. */
  readonly pid: number;
  readonly user: string | null;
  readonly application: string | null;
  readonly address: string | null;
  /** As in `pg_stat_activity`; null, as are `address` and `transaction_ms`, where this server's user may not see it. */
  readonly state: string | null;
  readonly transaction_ms: number | null;
  readonly query: string | null;
}

/** A session of this server that waits for a lock. */
export interface WaitingSession {
  /** As `pg_blocking_pids` names them. */
  readonly blockers: readonly number[];
  /** `events (RowExclusiveLock)`; null where it has just been granted. */
  readonly lock: string | null;
}

export interface WaitForLocks {
  /** How many statements of this server wait for a lock of others. */
  readonly statements: number;
  /** On what, and in which mode. */
  readonly locks: readonly string[];
  readonly holders: readonly LockHolder[];
}

const HOLDERS = `select pid, usename::text as "user", application_name as application, host(client_addr) as address, state,
    round(extract(epoch from clock_timestamp() - xact_start) * 1000)::float8 as transaction_ms,
    left(query, ${maxQueryCharacters}) as query
  from pg_stat_activity
  where pid = any($1) and application_name <> ($2::name)::text
  order by xact_start nulls last, pid limit ${maxNamedHolders}`;

/** Who of others holds what statements of this server wait for. */
export async function waitForLocks(
  client: Client,
  waiting: readonly WaitingSession[],
  applicationName: string,
): Promise<WaitForLocks> {
  const pids = [...new Set(waiting.flatMap(({ blockers }) => blockers))];
  if (pids.length === 0) return { statements: 0, locks: [], holders: [] };
  const { rows } = await client.query<LockHolder>(HOLDERS, [pids, applicationName]);
  const holders = pids.includes(0) ? [...rows, PREPARED_TRANSACTION] : rows;
  const locks = [...new Set(waiting.flatMap(({ lock }) => lock ?? []))].sort();
  return { statements: holders.length === 0 ? 0 : waiting.length, locks, holders };
}

const PREPARED_TRANSACTION: LockHolder = {
  pid: 0,
  user: null,
  application: null,
  address: null,
  state: 'prepared transaction (pg_prepared_xacts)',
  transaction_ms: null,
  query: null,
};

/** Tells that others hold what is waited for: in the log when it begins, when it is somebody else, and when it is over. */
export class ForeignLocks {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #onWait: (what: string | null) => void;
  #told: { readonly sinceMs: number; pids: string } | null = null;

  /** @param parts `onWait` is told at each look what is waited for, without what the sessions of others say; null: nothing */
  constructor(parts: {
    readonly clock: Clock;
    readonly logger: Logger;
    readonly onWait: (what: string | null) => void;
  }) {
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#onWait = parts.onWait;
  }

  /** Whether the log says that others are waited for; then it is looked until they are not. */
  get areTold(): boolean {
    return this.#told !== null;
  }

  seen(waits: WaitForLocks): void {
    const { statements, locks, holders } = waits;
    const first = holders[0];
    this.#onWait(first ? sentenceOf(waits) : null);
    if (!first) {
      this.#tellEnd();
      return;
    }
    const pids = holders.map(({ pid }) => pid).join(' ');
    if (this.#told?.pids === pids) return;
    this.#told = { sinceMs: this.#told?.sinceMs ?? this.#clock.monotonicMs(), pids };
    this.#logger.warn(
      { statements, locks, held_by: holders },
      `PostgreSQL: statements of Omoi wait for a lock of somebody else, and so do agents and repairs. End that transaction${
        first.pid === 0 ? '.' : `, in the last resort by select pg_terminate_backend(${first.pid}).`
      }`,
    );
  }

  #tellEnd(): void {
    if (this.#told === null) return;
    const waitedMs = Math.round(this.#clock.monotonicMs() - this.#told.sinceMs);
    this.#told = null;
    this.#logger.warn(
      { waited_ms: waitedMs },
      'PostgreSQL: statements of Omoi wait for no lock of others any more.',
    );
  }
}

/** Anybody may read it: who the others are, and what they do there, is in the log alone. */
function sentenceOf({ statements, locks, holders }: WaitForLocks): string {
  const who = holders.map(({ pid }) => (pid === 0 ? 'a prepared transaction' : `session ${pid}`)).join(', ');
  const on = locks.length === 0 ? '' : `, on ${locks.slice(0, maxNamedLocks).join(', ')}`;
  return `PostgreSQL: statements of Omoi (${statements}) wait for a lock of somebody else: ${who}${on}`;
}

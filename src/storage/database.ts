import type { CompiledQuery, Kysely, Transaction } from 'kysely';
import type { StateTables, TelemetryTables } from './tables.ts';

/**
 * One database: the state (SQLite with full sync, or PostgreSQL) or the telemetry (SQLite, normal sync).
 * Portable columns only: text, integer (times are wall ms since epoch; int8 reads as a number), double precision;
 * booleans are 0 or 1, structures are JSON text.
 */
export interface Database<Tables> {
  readonly dialect: 'sqlite' | 'postgres';
  /** For reads that need no transaction. Sees only what is committed. */
  readonly reader: Kysely<Tables>;
  /**
   * Runs `work` in one serializable-enough transaction: on SQLite transactions run one after the other (several
   * may share one commit), on PostgreSQL they overlap at READ COMMITTED, so that a check and the write that
   * depends on it take `forUpdate` or a unique key, and who changes several rows takes them with `lockRows`.
   * Resolves when the commit is on disk; rolls back when `work` throws. Nothing but calls of `tx.db` may be awaited
   * inside. What PostgreSQL undoes because of others (deadlock, serialization) is repeated a few times, so that `work`
   * may run more than once: what it does outside of the database belongs into `afterCommit`. Where PostgreSQL does not
   * answer the commit it is asked what became of it until it says so, so that what memory follows is what is on disk. Where
   * SQLite's thread dies within the commit, or PostgreSQL does not know any more, neither kind of effect is called, and
   * nothing is written any more.
   * @throws OmoiError `database_conflict` where others got in the way each time; `database_failed`, `storage_full`;
   * `commit_unknown` where nobody knows whether it is on disk
   */
  transaction<Result>(
    work: (tx: DatabaseTransaction<Tables>) => Promise<Result>,
    options?: TransactionOptions,
  ): Promise<Result>;
  close(): Promise<void>;
}

export interface TransactionOptions {
  /**
   * A short one that the way from an alert to its repair waits for: on SQLite it goes before those that wait, which
   * still get every other turn's worth of time. On PostgreSQL, where transactions overlap, it says nothing.
   */
  readonly urgent?: boolean;
}

export interface AtCommit<Row> {
  /** Told the rows before the first effect. */
  readonly onRows?: (rows: readonly Row[]) => void;
  /** How many rows have to come back; any number where absent. */
  readonly foreseen?: number;
}

/**
 * What memory had foreseen of a transaction is not so: it has changed nothing, and is done again by asking. What memory
 * knows is behind the database now and then; a transaction that needs no answer before its commit costs half the ways.
 */
export class UnforeseenRows extends Error {}

export interface DatabaseTransaction<Tables> {
  readonly dialect: 'sqlite' | 'postgres';
  readonly db: Transaction<Tables>;
  /** Wall ms since epoch at the start of the transaction: the server's clock on SQLite, the database's on PostgreSQL. */
  readonly nowMs: number;
  /**
   * Runs a statement behind all that `work` awaits, and tells its rows before the first effect: on SQLite it goes to the
   * database in one message with the commit, which saves a way there and back. Where it fails, so does the transaction,
   * with `UnforeseenRows` where another number of rows comes back than `foreseen`.
   */
  atCommit<Row>(statement: CompiledQuery<Row>, options?: AtCommit<Row>): void;
  /** Calls `effect` after a successful commit, in order of commit. For wake-ups: it must not throw. */
  afterCommit(effect: () => void): void;
  /** Calls `effect` when the transaction failed, also where only its commit did. It must not throw. */
  afterRollback(effect: () => void): void;
}

export type StateDatabase = Database<StateTables>;
export type StateTransaction = DatabaseTransaction<StateTables>;
export type TelemetryDatabase = Database<TelemetryTables>;
export type TelemetryTransaction = DatabaseTransaction<TelemetryTables>;

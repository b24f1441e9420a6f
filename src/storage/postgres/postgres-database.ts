import { Kysely, sql, type CompiledQuery, type Transaction } from 'kysely';
import { Pool, types as pgTypes, type ClientConfig, type CustomTypesConfig, type PoolClient } from 'pg';
import {
  backoffMs,
  createSystemRandom,
  delay,
  messageOf,
  OmoiError,
  type BackoffLimits,
  type Clock,
  type Logger,
} from '#telemetry';
import { UnforeseenRows, type AtCommit, type Database, type DatabaseTransaction } from '../database.ts';
import { Effects } from '../effects.ts';
import { Leadership } from '../leadership.ts';
import { CommitOrder, type CommitTurn } from './commit-order.ts';
import { commitOutcome } from './commit-outcome.ts';
import { createCodedPostgresDialect } from './postgres-dialect.ts';
import type { ServerProcesses } from './lease-holder.ts';
import { DEFAULT_LEASE_LIMITS, ServerLease } from './server-lease.ts';
import { StalledStatements } from './stalled-statements.ts';
import { clientsOf } from './unanswered.ts';

const maxConnections = 10;
const connectTimeoutMs = 5000;
/** A session that waits inside a transaction longer than this was forgotten there; its locks must not stay. */
const idleInTransactionTimeoutMs = 60_000;
/** How often a transaction runs that PostgreSQL undoes because of others. */
const maxAttempts = 6;
const CONFLICT_BACKOFF: BackoffLimits = { firstMs: 5, maxMs: 200 };

export interface PostgresDatabaseOptions {
  /** `postgres://user:password@host:port/database` */
  readonly url: string;
  /** Tells other servers who is there: `omoi <host> pid <pid>`. */
  readonly applicationName: string;
  /** Paces the repetition of transactions. */
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * Called when PostgreSQL cannot say what became of a commit that it did not answer. Its caller had `commit_unknown`, and
   * no effect of it was run; nothing is written any more. Memory may differ from what is on disk, so that the process has
   * to end.
   */
  readonly onCommitUnknown?: (error: OmoiError) => void;
  /** Is told, while statements wait for a lock of somebody else, which and whose; null when they do not any more. */
  readonly onWait?: ((what: string | null) => void) | undefined;
  /** Is told how the lease stands, once there is one. */
  readonly leadership?: Leadership | undefined;
  /** What is known of servers' processes, so that a lease whose holder has died need not run out. */
  readonly processes?: ServerProcesses | undefined;
}

/** A PostgreSQL database, with the lease of the one active server. */
export interface PostgresDatabase<Tables> extends Database<Tables> {
  readonly dialect: 'postgres';
  /** From now on every transaction makes sure of the lease. @throws OmoiError `database_busy`, `database_failed` */
  lock(): Promise<void>;
}

/** int8 and numeric (what `sum` of int8 gives) read as numbers: Omoi keeps nothing that a double cannot hold. */
const NUMBER_OIDS: ReadonlySet<number> = new Set([pgTypes.builtins.INT8, pgTypes.builtins.NUMERIC]);

const types: CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    NUMBER_OIDS.has(oid) && format !== 'binary' ? Number : pgTypes.getTypeParser(oid, format),
};

/** Opens a pool; connects at the first use. */
export function createPostgresDatabase<Tables>(options: PostgresDatabaseOptions): PostgresDatabase<Tables> {
  const { url, applicationName, clock, logger, onWait = () => undefined } = options;
  const connection: ClientConfig = {
    connectionString: url,
    application_name: applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
    keepAlive: true,
    types,
  };
  const stalled = new StalledStatements({ connection, clock, logger, onWait });
  const AnsweredClient = clientsOf(clock, stalled);
  const pool = new Pool({ ...connection, max: maxConnections, Client: AnsweredClient });
  const connections = new Set<PoolClient>();
  const onLost = (error: Error): void => {
    // Whether it was this one alone, or PostgreSQL is away, the lease finds out and tells.
    if (lease) lease.nudge();
    else
      logger.warn(
        { error: messageOf(error) },
        'PostgreSQL connection lost; another one is opened when it is needed',
      );
  };
  // One that breaks while nobody uses it; the pool replaces it.
  pool.on('error', onLost);
  pool.on('connect', (client) => {
    connections.add(client);
    // One that breaks between two queries of a transaction; the next query is refused.
    client.on('error', onLost);
  });
  pool.on('remove', (client) => connections.delete(client));
  const leadership = options.leadership ?? new Leadership(clock);
  const db = new Kysely<Tables>({ dialect: createCodedPostgresDialect(pool, awayOf(leadership)) });
  let lease: ServerLease | null = null;
  /** Why nothing is written any more. */
  let lost: OmoiError | null = null;
  const commits = new CommitOrder();
  const running = new Set<Promise<unknown>>();
  let closing: Promise<void> | null = null;
  const random = createSystemRandom();
  const stopping = new AbortController();

  /** Again where others got in the way: then nothing of the attempt is left, here or there. */
  async function runTransaction<Result>(
    work: (tx: DatabaseTransaction<Tables>) => Promise<Result>,
  ): Promise<Result> {
    for (let attempts = 1; ; attempts++) {
      try {
        return await attemptTransaction(work);
      } catch (error) {
        if (!isConflict(error) || attempts === maxAttempts) throw error;
        logger.debug({ attempts, error: messageOf(error) }, 'Transaction undone by PostgreSQL: repeated.');
        await delay(clock, backoffMs(attempts, CONFLICT_BACKOFF, random), stopping.signal);
      }
    }
  }

  async function attemptTransaction<Result>(
    work: (tx: DatabaseTransaction<Tables>) => Promise<Result>,
  ): Promise<Result> {
    if (lost) throw lost;
    if (leadership.fencedBy) throw leadership.fencedBy;
    const effects = new Effects(logger);
    const commit: { asked: AskedCommit<Result> | null } = { asked: null };
    try {
      const result = await db.transaction().execute(async (tx) => {
        const { nowMs, id } = await beginningOf(tx, lease);
        const done = await runWork(work, { tx, nowMs, effects });
        // All that follows is the commit.
        commit.asked = { id, result: done, turn: commits.enter() };
        return done;
      });
      await commit.asked?.turn.before;
      effects.committed();
      return result;
    } catch (error) {
      const inDoubt = commit.asked;
      // Those behind it do not wait until PostgreSQL can be asked, which may take long.
      inDoubt?.turn.leave();
      if (inDoubt && !isConflict(error) && (await wasCommitted(inDoubt.id, error))) {
        effects.committed();
        return inDoubt.result;
      }
      effects.rolledBack();
      throw error;
    } finally {
      commit.asked?.turn.leave();
    }
  }

  /**
   * Whether a transaction is on disk whose commit failed, or got no answer.
   * @throws OmoiError `commit_unknown` where nobody can tell: then neither kind of effect may be run
   */
  async function wasCommitted(id: string, error: unknown): Promise<boolean> {
    const outcome = await commitOutcome({ pool, clock, random, logger, signal: stopping.signal }, id);
    if (outcome !== 'unknown') return outcome === 'committed';
    const what = `PostgreSQL did not answer the commit of transaction ${id} (${messageOf(error)})`;
    if (stopping.signal.aborted) {
      throw new OmoiError('commit_unknown', `${what}, and Omoi stopped before it was told more`, {}, error);
    }
    const unknown = new OmoiError('commit_unknown', `${what} and cannot say what became of it`, {}, error);
    lost ??= new OmoiError('database_failed', `${unknown.message}; start Omoi again`, {}, error);
    logger.error(
      { transaction: id, error: messageOf(error) },
      'Nobody knows whether a commit is in PostgreSQL: nothing is written any more. A start of Omoi reads what is there.',
    );
    options.onCommitUnknown?.(unknown);
    throw unknown;
  }

  async function close(): Promise<void> {
    stopping.abort();
    await Promise.allSettled(running);
    stalled.stop();
    // The pool alone is ended, not Kysely: a late query then gets the pool's refusal, which has a code.
    await pool.end();
    await lease?.release();
  }

  return {
    dialect: 'postgres',
    reader: db,
    async transaction(work) {
      if (closing) throw new OmoiError('shutting_down', 'the PostgreSQL database is closed');
      const transaction = runTransaction(work);
      running.add(transaction);
      try {
        return await transaction;
      } finally {
        running.delete(transaction);
      }
    },
    close: () => (closing ??= close()),
    async lock() {
      const taken = new ServerLease({
        connection,
        AnsweredClient,
        name: applicationName,
        processes: options.processes ?? null,
        clock,
        random,
        logger,
        leadership,
        limits: DEFAULT_LEASE_LIMITS,
        // What waits for an answer is told that there is none; a commit is then asked about.
        onAway: () => connections.forEach((client) => void forsake(client)),
      });
      await taken.acquire();
      lease = taken;
    },
  };
}

function isConflict(error: unknown): boolean {
  return error instanceof OmoiError && error.code === 'database_conflict';
}

interface AskedCommit<Result> {
  readonly id: string;
  readonly result: Result;
  readonly turn: CommitTurn;
}

interface Beginning<Tables> {
  readonly tx: Transaction<Tables>;
  readonly nowMs: number;
  readonly effects: Effects;
}

/** The work, and what it has left to be done behind it. */
async function runWork<Tables, Result>(
  work: (tx: DatabaseTransaction<Tables>) => Promise<Result>,
  { tx, nowMs, effects: { afterCommit, afterRollback } }: Beginning<Tables>,
): Promise<Result> {
  const closing: (() => Promise<void>)[] = [];
  const atCommit = <Row>(statement: CompiledQuery<Row>, { onRows, foreseen }: AtCommit<Row> = {}): void => {
    closing.push(async () => {
      const { rows } = await tx.executeQuery(statement);
      if (foreseen !== undefined && rows.length !== foreseen) throw new UnforeseenRows();
      onRows?.(rows);
    });
  };
  const done = await work({ dialect: 'postgres', db: tx, nowMs, atCommit, afterCommit, afterRollback });
  for (const run of closing) await run();
  return done;
}

/**
 * When a transaction began, and the id by which PostgreSQL knows later what became of it. Until it ends it holds the row of
 * the lease, for which a server that takes over waits.
 * @throws OmoiError `server_fenced` where another server has the lease
 */
async function beginningOf<Tables>(
  tx: Transaction<Tables>,
  lease: ServerLease | null,
): Promise<{ readonly nowMs: number; readonly id: string }> {
  const now = sql`floor(extract(epoch from transaction_timestamp()) * 1000)::int8 as now_ms, txid_current()::text as id`;
  const beginning = lease
    ? sql<BeginningRow>`with lease as (select epoch from server_lease for key share)
        select ${now}, (select epoch from lease) as epoch`
    : sql<BeginningRow>`select ${now}, null as epoch`;
  const row = (await beginning.execute(tx)).rows[0];
  if (!row) throw new Error('PostgreSQL did not tell the time');
  if (lease && row.epoch !== lease.epoch) throw await lease.superseded();
  return { nowMs: row.now_ms, id: row.id };
}

interface BeginningRow {
  readonly now_ms: number;
  readonly id: string;
  readonly epoch: number | null;
}

/** Ends a connection whose other end does not answer; who uses it is refused. */
async function forsake(client: PoolClient): Promise<void> {
  await (client as unknown as { end(): Promise<void> }).end().catch(() => undefined);
}

/** While PostgreSQL is away nobody waits until a connection to it has failed once more. */
function awayOf(leadership: Leadership): () => OmoiError | null {
  return () => {
    const { outage } = leadership;
    return outage && new OmoiError('database_failed', `PostgreSQL is away: ${outage.reason}`);
  };
}

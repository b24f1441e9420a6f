import { sql, type RawBuilder } from 'kysely';
import { messageOf, Stretch, type Clock, type Logger, type SelfMetrics, type Timer } from '#telemetry';
import type { Database, DatabaseTransaction } from './database.ts';

/**
 * Rows of a table that are too old to keep. A row whose time is null has not ended, and is kept. An index begins with
 * the time column, so that what is found costs what is deleted (a test asks the query planner).
 */
export type RetentionRule<Tables> = {
  readonly [Table in keyof Tables & string]: {
    readonly table: Table;
    /** A column that tells rows apart; SQLite's own `rowid` where the table's key has several columns. */
    readonly key: (keyof Tables[Table] & string) | 'rowid';
    readonly timeColumn: keyof Tables[Table] & string;
    /** The unit of the time column; ms where absent. */
    readonly unit?: 'ms' | 'us';
    readonly keepMs: number;
    /**
     * What else must hold for a row to go. Asked of the oldest rows alone: where it holds for none of a batch, the
     * run is over, so that rows that must stay are not looked at again and again.
     */
    readonly only?: (nowMs: number) => RawBuilder<boolean>;
    /** Rows of another table that go with the row whose key they name. */
    readonly withChildren?: { readonly table: keyof Tables & string; readonly column: string };
  };
}[keyof Tables & string];

/** Something that forgets what is too old. */
export interface RetentionJob {
  /** What it forgets, for metrics and logs: a table's name. */
  readonly name: string;
  /** Forgets what is too old by now, or a good part of it, until `signal` aborts; tells how many rows went. */
  run(nowMs: number, signal: AbortSignal): Promise<number>;
}

/** Small, so that a transaction that waits behind a batch waits for some ten milliseconds at most. */
const MAX_ROWS_PER_BATCH = 250;
/** Then the other jobs have their turn. */
const MAX_BATCHES_PER_TURN = 400;
const firstRunMs = 60_000;
const periodMs = 3_600_000;

/** A job for each rule: deletes the oldest rows first, in transactions of at most so many. */
export function retentionJobs<Tables>(
  database: Database<Tables>,
  rules: readonly RetentionRule<Tables>[],
  { clock, maxRows = MAX_ROWS_PER_BATCH }: { readonly clock: Clock; readonly maxRows?: number },
): readonly RetentionJob[] {
  return rules.map((rule) => ({
    name: rule.table,
    run: (nowMs, signal) =>
      inBatches({ clock, signal }, () =>
        database.transaction((tx) => deleteBatch(tx, rule, { nowMs, limit: maxRows })),
      ),
  }));
}

/**
 * Calls `deleteSome` until it deletes nothing more, or very often, and lets everybody else have a turn in between.
 * @param deleteSome one small transaction; returns how many rows went
 * @returns how many rows went altogether
 */
export async function inBatches(
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  deleteSome: () => Promise<number>,
): Promise<number> {
  const stretch = new Stretch(clock);
  let deleted = 0;
  for (let batch = 0; batch < MAX_BATCHES_PER_TURN && !signal.aborted; batch++) {
    const gone = await deleteSome();
    if (gone === 0) break;
    deleted += gone;
    if (stretch.isOver) await stretch.pause();
  }
  return deleted;
}

/** Deletes the oldest `limit` rows of a rule, as far as they may go, and tells how many went. */
async function deleteBatch<Tables>(
  { db, dialect }: DatabaseTransaction<Tables>,
  rule: RetentionRule<Tables>,
  time: Pick<RetentionBatch, 'nowMs' | 'limit'>,
): Promise<number> {
  const { withChildren } = rule;
  const batch = { ...time, dialect };
  if (withChildren === undefined) {
    const result = await retentionQuery(rule, batch).execute(db);
    return Number(result.numAffectedRows ?? 0n);
  }
  const { rows } = await oldestQuery(rule, batch).execute(db);
  if (rows.length === 0) return 0;
  const keys = sql.join(rows.map((row) => row.key));
  await sql`delete from ${sql.table(withChildren.table)} where ${sql.ref(withChildren.column)} in (${keys})`.execute(
    db,
  );
  await sql`delete from ${sql.table(rule.table)} where ${sql.ref(rule.key)} in (${keys})`.execute(db);
  return rows.length;
}

interface RetentionBatch {
  readonly nowMs: number;
  readonly limit: number;
  readonly dialect: DatabaseTransaction<unknown>['dialect'];
}

/**
 * The keys of the oldest rows of a rule that may go: it reads `limit` rows, whatever may go of them. On PostgreSQL, where
 * transactions overlap, it holds them until the commit and leaves those that somebody else is changing: what had ended
 * may be going on again, as a task does that is retried.
 */
function oldestQuery<Tables>(
  rule: RetentionRule<Tables>,
  { nowMs, limit, dialect }: RetentionBatch,
): RawBuilder<{ readonly key: unknown }> {
  const before = (nowMs - rule.keepMs) * (rule.unit === 'us' ? 1000 : 1);
  const key = sql.ref(rule.key);
  const time = sql.ref(rule.timeColumn);
  const condition = rule.only ? sql`where ${rule.only(nowMs)}` : sql``;
  const held = dialect === 'postgres' ? sql`for update skip locked` : sql``;
  return sql`select ${key} as key from (
    select ${key} from ${sql.table(rule.table)} where ${time} < ${before} order by ${time} limit ${limit} ${held}
  ) as oldest ${condition}`;
}

/** The statement that deletes them. */
export function retentionQuery<Tables>(
  rule: RetentionRule<Tables>,
  batch: RetentionBatch,
): RawBuilder<unknown> {
  return sql`delete from ${sql.table(rule.table)} where ${sql.ref(rule.key)} in (${oldestQuery(rule, batch)})`;
}

export interface RetentionOptions {
  readonly jobs: readonly RetentionJob[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
}

/** Runs retention jobs a minute after the start and every hour; one that fails holds up none of the others. */
export class Retention {
  readonly #options: RetentionOptions;
  readonly #timers: readonly Timer[];
  readonly #deleted: ReturnType<SelfMetrics['counter']>;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#deleted = options.metrics.counter(
      'omoi_retention_deleted_total',
      'Rows that were deleted because they were older than their retention.',
    );
    this.#timers = [
      options.clock.after(firstRunMs, () => void this.run()),
      options.clock.every(periodMs, () => void this.run()),
    ];
  }

  /** Runs every job once; joins the run that is under way. */
  run(): Promise<void> {
    this.#running ??= this.#runJobs().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** Ends what runs after the batch it is at; resolves when no job runs any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const timer of this.#timers) timer.cancel();
    await this.#running;
  }

  /** Jobs take turns until none has used its turn up, so that what comes fast is forgotten as fast. */
  async #runJobs(): Promise<void> {
    let jobs = this.#options.jobs;
    while (jobs.length > 0) {
      const again: RetentionJob[] = [];
      for (const job of jobs) {
        if (this.#stopping.signal.aborted) return;
        if ((await this.#runJob(job)) >= MAX_BATCHES_PER_TURN) again.push(job);
      }
      jobs = again;
    }
  }

  async #runJob(job: RetentionJob): Promise<number> {
    const { clock, logger } = this.#options;
    try {
      const deleted = await job.run(clock.wallMs(), this.#stopping.signal);
      this.#deleted.add(deleted, { table: job.name });
      return deleted;
    } catch (error) {
      logger.error(
        { table: job.name, error: messageOf(error) },
        'Old rows were not deleted; tried again in an hour.',
      );
      return 0;
    }
  }
}

import { sql, type RawBuilder } from 'kysely';
import { messageOf, type Clock, type Logger, type SelfMetrics, type Timer } from '#telemetry';
import type { Database } from './database.ts';

/** Rows of a table that are too old to keep. A row whose time is null has not ended, and is kept. */
export type RetentionRule<Tables> = {
  readonly [Table in keyof Tables & string]: {
    readonly table: Table;
    /** A column that tells rows apart. */
    readonly key: keyof Tables[Table] & string;
    readonly timeColumn: keyof Tables[Table] & string;
    /** The unit of the time column; ms where absent. */
    readonly unit?: 'ms' | 'us';
    readonly keepMs: number;
    /** What else must hold for a row to go. */
    readonly only?: (nowMs: number) => RawBuilder<boolean>;
  };
}[keyof Tables & string];

/** Something that forgets what is too old. */
export interface RetentionJob {
  /** What it forgets, for metrics and logs: a table's name. */
  readonly name: string;
  /** Forgets what is too old by now; tells how many rows went. */
  run(nowMs: number): Promise<number>;
}

/** Small, so that a waiting transaction waits for one batch at most. */
const maxRowsPerBatch = 500;
const maxBatchesPerRun = 2000;
const firstRunMs = 60_000;
const periodMs = 3_600_000;

/** A job for each rule: deletes the oldest rows first, in small transactions. */
export function retentionJobs<Tables>(
  database: Database<Tables>,
  rules: readonly RetentionRule<Tables>[],
): readonly RetentionJob[] {
  return rules.map((rule) => ({
    name: rule.table,
    async run(nowMs) {
      let deleted = 0;
      for (let batch = 0; batch < maxBatchesPerRun; batch++) {
        const gone = await deleteBatch(database, rule, nowMs);
        deleted += gone;
        if (gone < maxRowsPerBatch) break;
      }
      return deleted;
    },
  }));
}

async function deleteBatch<Tables>(
  database: Database<Tables>,
  rule: RetentionRule<Tables>,
  nowMs: number,
): Promise<number> {
  const before = (nowMs - rule.keepMs) * (rule.unit === 'us' ? 1000 : 1);
  const table = sql.table(rule.table);
  const key = sql.ref(rule.key);
  const time = sql.ref(rule.timeColumn);
  const condition = rule.only ? sql`and ${rule.only(nowMs)}` : sql``;
  const result = await database.transaction((tx) =>
    sql`delete from ${table} where ${key} in (
      select ${key} from ${table} where ${time} < ${before} ${condition} order by ${time} limit ${maxRowsPerBatch}
    ) and ${time} < ${before}`.execute(tx.db),
  );
  return Number(result.numAffectedRows ?? 0n);
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
  #running: Promise<void> | null = null;
  #stopped = false;

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

  /** Resolves when no job runs any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) timer.cancel();
    await this.#running;
  }

  async #runJobs(): Promise<void> {
    const { jobs, clock, logger } = this.#options;
    for (const job of jobs) {
      if (this.#stopped) return;
      try {
        const deleted = await job.run(clock.wallMs());
        this.#deleted.add(deleted, { table: job.name });
      } catch (error) {
        logger.error({ table: job.name, error: messageOf(error) }, 'retention failed; it is tried again');
      }
    }
  }
}

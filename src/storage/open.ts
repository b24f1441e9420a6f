import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Clock, Logger, OmoiError } from '#telemetry';
import type { StateDatabase, TelemetryDatabase } from './database.ts';
import type { Leadership } from './leadership.ts';
import { migrate, pendingMigrations, type MigrateOptions } from './migrate.ts';
import type { Migration } from './migration.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { makeDataDirectoryPrivate, makePrivateFile } from './private-directory.ts';
import type { ServerProcesses } from './postgres/lease-holder.ts';
import { createSqliteDatabase, type SqliteDatabase } from './sqlite/sqlite-database.ts';
import type { StateTables, TelemetryTables } from './tables.ts';

interface OpenOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * `server`: the one that runs on this database; it locks it (on PostgreSQL by a lease) until it closes it. `tool`: a command beside a
   * server, or alone; it takes the lock only while it migrates.
   */
  readonly role: 'server' | 'tool';
  /**
   * Called when nobody knows whether a commit is on disk, and nothing is written any more: the thread that owns a SQLite
   * file has died within it, or PostgreSQL did not answer it and can't tell what became of it. The process has to end; its
   * next start reads what is there.
   */
  readonly onCommitUnknown?: (error: OmoiError) => void;
  /** Is told whether this server is still the one in charge; on SQLite it is, until it ends. */
  readonly leadership?: Leadership;
  /** On PostgreSQL: is told, while statements wait for a lock of somebody else, which and whose; null when they do not. */
  readonly onWait?: (what: string | null) => void;
  /** What is known of servers' processes: on PostgreSQL a server that has died is followed at once, not when its lease has run out. */
  readonly processes?: ServerProcesses;
  /** What this version knows; all of Omoi's where absent. */
  readonly migrations?: readonly Migration[];
}

export interface DirectoryOptions extends OpenOptions {
  /** The data directory, made when it is missing. */
  readonly directory: string;
}

interface UrlOptions extends OpenOptions {
  /** `postgres://user:password@host:port/database` */
  readonly url: string;
}

export type StateDatabaseOptions = DirectoryOptions | UrlOptions;

/**
 * Opens and migrates the state: SQLite (`state.sqlite`, each commit on disk before it is answered) or PostgreSQL.
 * @throws OmoiError `database_busy`, `database_too_new`, `database_failed`, `storage_full`
 */
export async function openStateDatabase(options: StateDatabaseOptions): Promise<StateDatabase> {
  const { migrations = MIGRATIONS } = options;
  if (!('url' in options)) {
    const database = await createInDirectory<StateTables>(options, {
      name: 'state',
      synchronous: 'full',
      background: false,
      threads: 'as_needed',
      checkpointsBeside: true,
    });
    return openSqlite(database, options.role, { half: 'state', migrations });
  }
  const { url, clock, logger, role, onCommitUnknown, leadership, processes, onWait } = options;
  // Only who uses PostgreSQL pays for loading its client.
  const { createPostgresDatabase } = await import('./postgres/postgres-database.ts');
  const applicationName = `omoi ${hostname()} pid ${process.pid}`;
  const database = createPostgresDatabase<StateTables>({
    url,
    applicationName,
    clock,
    logger,
    leadership,
    processes,
    onWait,
    ...(onCommitUnknown && { onCommitUnknown }),
  });
  try {
    if (role === 'server') await database.lock();
    await migrate(database, { half: 'state', migrations });
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/**
 * Opens and migrates the telemetry: always SQLite (`telemetry.sqlite`); never corrupt, but a power cut may take
 * the last commits.
 * @throws OmoiError `database_busy`, `database_too_new`, `database_failed`, `storage_full`
 */
export async function openTelemetryDatabase(options: DirectoryOptions): Promise<TelemetryDatabase> {
  const database = await createInDirectory<TelemetryTables>(options, {
    name: 'telemetry',
    synchronous: 'normal',
    // What an alert waits for until its repair begins is in the state.
    background: true,
    // Searches and reads of the archive take long, and nobody who writes may wait for them.
    threads: 'two',
    checkpointsBeside: false,
  });
  return openSqlite(database, options.role, {
    half: 'telemetry',
    migrations: options.migrations ?? MIGRATIONS,
  });
}

async function createInDirectory<Tables>(
  { directory, clock, logger, onCommitUnknown }: DirectoryOptions,
  kind: {
    readonly name: string;
    readonly synchronous: 'full' | 'normal';
    readonly background: boolean;
    readonly threads: 'two' | 'as_needed';
    readonly checkpointsBeside: boolean;
  },
): Promise<SqliteDatabase<Tables>> {
  // What is inside tells of people and machines; it is nobody else's to read.
  const changed = await makeDataDirectoryPrivate(directory);
  if (changed > 0) {
    logger.warn(
      { path: directory, changed },
      'Others could read the data directory; their rights were taken away. Tokens and secrets in it may be known.',
    );
  }
  const path = join(directory, `${kind.name}.sqlite`);
  await makePrivateFile(path);
  await makePrivateFile(`${path}.lock`);
  return createSqliteDatabase<Tables>({
    file: { path, synchronous: kind.synchronous, background: kind.background },
    threads: kind.threads,
    checkpointsBeside: kind.checkpointsBeside,
    clock,
    logger,
    ...(onCommitUnknown && { onCommitUnknown }),
  });
}

async function openSqlite<Tables>(
  database: SqliteDatabase<Tables>,
  role: 'server' | 'tool',
  migrations: MigrateOptions,
): Promise<SqliteDatabase<Tables>> {
  try {
    if (role === 'server') {
      await database.lock();
      await migrate(database, migrations);
    } else if ((await pendingMigrations(database, migrations)).length > 0) {
      await database.lock();
      await migrate(database, migrations);
      await database.unlock();
    }
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

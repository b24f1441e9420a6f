import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, type Clock } from '#telemetry';
import type { Database, StateDatabase, TelemetryDatabase } from './database.ts';
import { migrate, type MigrationHalf } from './migrate.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { createSqliteDatabase } from './sqlite/sqlite-database.ts';
import type { StateTables, TelemetryTables } from './tables.ts';

/**
 * `one`: as in the server, with real turns of the event loop between a question and its answer. `none`: nothing but
 * promises lies between them, so that under a virtual clock the same seed gives the same run.
 */
type TestThreads = 'one' | 'none';

/**
 * A migrated state database, for tests and simulations.
 * @param directory outlives the database, so that it can be opened again; without one it is in a temporary
 *   directory that goes with `close`
 */
export function openTestStateDatabase(
  clock: Clock,
  threads: TestThreads = 'none',
  directory?: string,
): Promise<StateDatabase> {
  return openTestDatabase<StateTables>('state', { clock, threads, directory });
}

/** A migrated telemetry database in a temporary directory that goes with `close`. For tests and simulations. */
export function openTestTelemetryDatabase(
  clock: Clock,
  threads: TestThreads = 'none',
): Promise<TelemetryDatabase> {
  return openTestDatabase<TelemetryTables>('telemetry', { clock, threads, directory: undefined });
}

async function openTestDatabase<Tables>(
  half: MigrationHalf,
  {
    clock,
    threads,
    directory: kept,
  }: { readonly clock: Clock; readonly threads: TestThreads; readonly directory: string | undefined },
): Promise<Database<Tables>> {
  const directory = kept ?? (await mkdtemp(join(tmpdir(), 'omoi-test-')));
  const database = createSqliteDatabase<Tables>({
    file: { path: join(directory, `${half}.sqlite`), synchronous: 'off' },
    threads,
    clock,
    logger: silentLogger,
  });
  await migrate(database, { half, migrations: MIGRATIONS });
  return {
    ...database,
    async close() {
      await database.close();
      if (kept === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
}

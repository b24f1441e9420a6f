import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, type Clock } from '#telemetry';
import type { Database, StateDatabase, TelemetryDatabase } from './database.ts';
import { migrate, type MigrationHalf } from './migrate.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { createSqliteDatabase } from './sqlite/sqlite-database.ts';
import type { StateTables, TelemetryTables } from './tables.ts';

/** A migrated state database in a temporary directory that goes with `close`. For tests. */
export function openTestStateDatabase(clock: Clock): Promise<StateDatabase> {
  return openTestDatabase<StateTables>('state', clock);
}

/** A migrated telemetry database in a temporary directory that goes with `close`. For tests. */
export function openTestTelemetryDatabase(clock: Clock): Promise<TelemetryDatabase> {
  return openTestDatabase<TelemetryTables>('telemetry', clock);
}

async function openTestDatabase<Tables>(half: MigrationHalf, clock: Clock): Promise<Database<Tables>> {
  const directory = await mkdtemp(join(tmpdir(), 'omoi-test-'));
  const database = createSqliteDatabase<Tables>({
    file: { path: join(directory, `${half}.sqlite`), synchronous: 'off' },
    readerThread: 'shared',
    clock,
    logger: silentLogger,
  });
  await migrate(database, { half, migrations: MIGRATIONS });
  return {
    ...database,
    async close() {
      await database.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

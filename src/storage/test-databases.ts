import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, VirtualClock, type Clock } from '#telemetry';
import type { Database, StateDatabase, TelemetryDatabase } from './database.ts';
import { migrate, type MigrationHalf } from './migrate.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { createSqliteDatabase, type SqliteDatabase } from './sqlite/sqlite-database.ts';
import type { StateTables, TelemetryTables } from './tables.ts';

/**
 * `one`: as in the server, with real turns of the event loop between a question and its answer. `none`: nothing but
 * promises lies between them, so that under a virtual clock the same seed gives the same run.
 */
type TestThreads = 'one' | 'none';

type OpenState = (clock: Clock) => Promise<StateDatabase>;
let openElsewhere: OpenState | null = null;

/** From now on what `openTestStateDatabase` opens, unless a directory is named, is opened by this. */
export function setTestStateDatabases(open: OpenState): void {
  openElsewhere = open;
}

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
  if (openElsewhere && directory === undefined) return openElsewhere(clock);
  return openTestDatabase<StateTables>('state', { clock, threads, directory });
}

/** Puts a migrated state database without rows into a directory, so that the first to open it there finds it so. */
export async function writeTestStateDatabase(directory: string): Promise<void> {
  await writeFile(join(directory, 'state.sqlite'), await migratedFile('state'));
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
  const path = join(directory, `${half}.sqlite`);
  if (kept === undefined) await writeFile(path, await migratedFile(half));
  const database = openFile<Tables>(path, { clock, threads });
  // One that is kept takes every step of a start, also where a simulation starts it again.
  if (kept !== undefined) await migrate(database, { half, migrations: MIGRATIONS });
  return {
    ...database,
    async close() {
      await database.close();
      if (kept === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
}

function openFile<Tables>(
  path: string,
  { clock, threads }: { readonly clock: Clock; readonly threads: TestThreads },
): SqliteDatabase<Tables> {
  return createSqliteDatabase({
    file: { path, synchronous: 'off' },
    threads,
    clock,
    logger: silentLogger,
  });
}

const migratedFiles = new Map<MigrationHalf, Promise<Uint8Array>>();

/** A migrated database without rows. It is made once: the migrations take ten times as long as a copy of what they leave. */
function migratedFile(half: MigrationHalf): Promise<Uint8Array> {
  const known = migratedFiles.get(half);
  if (known) return known;
  const made = makeMigratedFile(half);
  migratedFiles.set(half, made);
  return made;
}

async function makeMigratedFile(half: MigrationHalf): Promise<Uint8Array> {
  const directory = await mkdtemp(join(tmpdir(), 'omoi-migrated-'));
  try {
    const path = join(directory, `${half}.sqlite`);
    const database = openFile(path, { clock: new VirtualClock(), threads: 'none' });
    await migrate(database, { half, migrations: MIGRATIONS });
    await database.close();
    return await readFile(path);
  } finally {
    await rm(directory, { recursive: true });
  }
}

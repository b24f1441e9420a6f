import { sql } from 'kysely';
import { OmoiError } from '#telemetry';
import type { Database, DatabaseTransaction } from './database.ts';
import type { Migration, MigrationStep, SchemaAccess } from './migration.ts';

/** The bookkeeping of every database: which migrations it has had. */
interface MigrationTables {
  schema_migrations: { name: string; applied_at_ms: number };
}

export type MigrationHalf = 'state' | 'telemetry';

export interface MigrateOptions {
  readonly half: MigrationHalf;
  /** All that this version knows, in order. */
  readonly migrations: readonly Migration[];
  /** The last migration that shall be applied; null for none at all, the newest where absent. */
  readonly to?: string | null;
}

interface NamedStep {
  readonly name: string;
  readonly step: MigrationStep;
}

/** Any number that no other user of the same PostgreSQL is likely to lock. */
const MIGRATION_LOCK_KEY = 0x6f_6d_6f_69;

/**
 * Brings a database to a version: applies what is missing, or takes back what is beyond `to`, newest first; each
 * in a transaction of its own. Several starters on one PostgreSQL take turns.
 * @throws OmoiError `database_too_new` when the database has had a migration that is not in the list; nothing is
 *   changed then
 */
export async function migrate<Tables>(database: Database<Tables>, options: MigrateOptions): Promise<void> {
  const steps = stepsOf(options);
  // The tables of a database under migration are not those of the types; only the bookkeeping is read by type.
  const schema = database as unknown as Database<MigrationTables>;
  const applied = await schema.transaction(async (tx) => {
    await takeTurn(tx);
    await createBookkeeping(tx);
    const known = await appliedIn(tx);
    assertKnown(known, steps);
    return known;
  });
  const wanted = wantedCount(steps, options.to);
  const missing = steps.slice(0, wanted).filter(({ name }) => !applied.has(name));
  const beyond = steps.slice(wanted).filter(({ name }) => applied.has(name));
  for (const named of missing) await schema.transaction((tx) => applyStep(tx, named));
  for (const named of beyond.reverse()) await schema.transaction((tx) => takeBack(tx, named));
}

/** The migrations that `migrate` would apply. @throws OmoiError `database_too_new` */
export async function pendingMigrations<Tables>(
  database: Database<Tables>,
  options: MigrateOptions,
): Promise<readonly string[]> {
  const steps = stepsOf(options);
  const schema = database as unknown as Database<MigrationTables>;
  const applied = await schema.transaction(async (tx) => {
    const tables = await tx.db.introspection.getTables();
    return tables.some((table) => table.name === 'schema_migrations') ? appliedIn(tx) : new Set<string>();
  });
  assertKnown(applied, steps);
  return steps.map((named) => named.name).filter((name) => !applied.has(name));
}

function stepsOf({ half, migrations }: MigrateOptions): readonly NamedStep[] {
  return migrations.flatMap((migration) => {
    const step = migration[half];
    return step ? [{ name: migration.name, step }] : [];
  });
}

function wantedCount(steps: readonly NamedStep[], to: string | null | undefined): number {
  if (to === undefined) return steps.length;
  if (to === null) return 0;
  const at = steps.findIndex((named) => named.name === to);
  if (at === -1) throw new Error(`there is no migration ${to}`);
  return at + 1;
}

async function takeTurn(tx: DatabaseTransaction<MigrationTables>): Promise<void> {
  if (tx.dialect === 'postgres')
    await sql`select pg_advisory_xact_lock(${MIGRATION_LOCK_KEY})`.execute(tx.db);
}

async function createBookkeeping(tx: DatabaseTransaction<MigrationTables>): Promise<void> {
  await tx.db.schema
    .createTable('schema_migrations')
    .ifNotExists()
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('applied_at_ms', 'bigint', (column) => column.notNull())
    .execute();
}

async function appliedIn(tx: DatabaseTransaction<MigrationTables>): Promise<ReadonlySet<string>> {
  const rows = await tx.db.selectFrom('schema_migrations').select('name').execute();
  return new Set(rows.map((row) => row.name));
}

function assertKnown(applied: ReadonlySet<string>, steps: readonly NamedStep[]): void {
  const known = new Set(steps.map((named) => named.name));
  const unknown = [...applied].filter((name) => !known.has(name)).sort();
  if (unknown.length === 0) return;
  throw new OmoiError(
    'database_too_new',
    `the database was written by a newer Omoi: it has ${unknown.join(', ')}, which this version does not know`,
    { unknown },
  );
}

async function applyStep(tx: DatabaseTransaction<MigrationTables>, { name, step }: NamedStep): Promise<void> {
  await takeTurn(tx);
  if ((await appliedIn(tx)).has(name)) return;
  await step.up(tx.db as SchemaAccess, tx.dialect);
  await tx.db.insertInto('schema_migrations').values({ name, applied_at_ms: tx.nowMs }).execute();
}

async function takeBack(tx: DatabaseTransaction<MigrationTables>, { name, step }: NamedStep): Promise<void> {
  await takeTurn(tx);
  if (!(await appliedIn(tx)).has(name)) return;
  await step.down(tx.db as SchemaAccess, tx.dialect);
  await tx.db.deleteFrom('schema_migrations').where('name', '=', name).execute();
}

import { sql } from 'kysely';
import type { Migration, MigrationStep, SchemaAccess } from '../migration.ts';

/** Claims walk one index from its front. */
const lanes: MigrationStep = {
  async up(db) {
    await db.schema.dropIndex('tasks_queue').execute();
    await db.schema.dropIndex('tasks_phase_queue').execute();
    // A claim looks at the front of each lane that it takes from, and at nothing else; finished tasks are in neither.
    await db.schema
      .createIndex('tasks_lane')
      .on('tasks')
      .columns(['pool_id', 'phase_id', 'task_type', 'priority desc', 'queue_order'])
      .where(sql.ref('state'), '=', 'queued')
      .execute();
    await db.schema
      .createIndex('tasks_phase_lane')
      .on('tasks')
      .columns(['pool_id', 'phase_id', 'priority desc', 'queue_order'])
      .where(sql.ref('state'), '=', 'queued')
      .execute();
    await db.schema
      .createIndex('tasks_kept')
      .on('tasks')
      .columns(['kept_for_agent_id', 'priority desc', 'queue_order'])
      .where(sql.ref('kept_for_agent_id'), 'is not', null)
      .execute();
  },
  async down(db) {
    for (const index of ['tasks_kept', 'tasks_phase_lane', 'tasks_lane']) {
      await db.schema.dropIndex(index).execute();
    }
    await db.schema
      .createIndex('tasks_queue')
      .on('tasks')
      .columns(['priority desc', 'queue_order'])
      .where(sql.ref('state'), '=', 'queued')
      .execute();
    await db.schema
      .createIndex('tasks_phase_queue')
      .on('tasks')
      .columns(['phase_id', 'priority desc', 'queue_order'])
      .where(sql.ref('state'), '=', 'queued')
      .execute();
  },
};

/** The keys of a pool that had columns of their own, in ms or as JSON has them: column, then key. */
const POOL_COLUMNS = [
  ['agent_type', 'agent_type', 'text'],
  ['phase_id', 'phase_id', 'text'],
  ['runtime', 'runtime', 'text'],
  ['command', 'command', 'text'],
  ['cwd', 'cwd', 'text'],
  ['env', 'env', 'text'],
  ['desired', 'desired', 'integer'],
  ['min_agents', 'min', 'integer'],
  ['max_agents', 'max', 'integer'],
  ['grace_ms', 'grace_ms', 'integer'],
  ['orphan_timeout_ms', 'orphan_timeout_ms', 'bigint'],
  ['on_orphan', 'on_orphan', 'text'],
  ['heartbeat_interval_ms', 'heartbeat_interval_ms', 'integer'],
  ['heartbeat_ttl_ms', 'heartbeat_ttl_ms', 'integer'],
] as const;
const JSON_COLUMNS: ReadonlySet<string> = new Set(['command', 'env']);
/** Columns that could be null. */
const OPTIONAL_COLUMNS: ReadonlySet<string> = new Set([
  'phase_id',
  'cwd',
  'heartbeat_interval_ms',
  'heartbeat_ttl_ms',
]);

interface PoolRow {
  readonly pool_id: string;
  readonly [column: string]: unknown;
}

/** A pool's keys in one column, so that another key is no migration; and the words of today. */
const pools: MigrationStep = {
  async up(db) {
    await db.schema
      .alterTable('pools')
      .addColumn('definition', 'text', (column) => column.notNull().defaultTo('{}'))
      .execute();
    for (const row of await poolRows(db)) {
      const keys = POOL_COLUMNS.map(([column, key]) => {
        const value = row[column];
        return [key, JSON_COLUMNS.has(column) ? (JSON.parse(String(value)) as unknown) : value];
      });
      const definition = JSON.stringify(Object.fromEntries(keys));
      await db.updateTable('pools').set({ definition }).where('pool_id', '=', row.pool_id).execute();
    }
    for (const [column] of POOL_COLUMNS) {
      await db.schema.alterTable('pools').dropColumn(column).execute();
    }
    await db.schema.alterTable('pool_claims').renameTo('pool_scale_overrides').execute();
    await db.schema.alterTable('pool_scale_overrides').renameColumn('claim_id', 'override_id').execute();
    await db.schema.alterTable('agent_processes').renameTo('agent_units').execute();
    await db.schema.alterTable('agent_units').renameColumn('wish', 'desired_state').execute();
  },
  async down(db) {
    await db.schema.alterTable('agent_units').renameColumn('desired_state', 'wish').execute();
    await db.schema.alterTable('agent_units').renameTo('agent_processes').execute();
    await db.schema.alterTable('pool_scale_overrides').renameColumn('override_id', 'claim_id').execute();
    await db.schema.alterTable('pool_scale_overrides').renameTo('pool_claims').execute();
    for (const [name, , type] of POOL_COLUMNS) {
      const standIn = type === 'text' ? '' : 0;
      await db.schema
        .alterTable('pools')
        .addColumn(name, type, (column) =>
          OPTIONAL_COLUMNS.has(name) ? column : column.notNull().defaultTo(standIn),
        )
        .execute();
    }
    for (const row of await poolRows(db)) {
      // Written by `up`, or by the server since.
      const keys = JSON.parse(String(row['definition'])) as Readonly<Record<string, unknown>>;
      const columns = POOL_COLUMNS.map(([column, key]) => [
        column,
        JSON_COLUMNS.has(column) ? JSON.stringify(keys[key]) : keys[key],
      ]);
      await db
        .updateTable('pools')
        .set(Object.fromEntries(columns) as Record<string, unknown>)
        .where('pool_id', '=', row.pool_id)
        .execute();
    }
    await db.schema.alterTable('pools').dropColumn('definition').execute();
  },
};

function poolRows(db: SchemaAccess): Promise<PoolRow[]> {
  return db.selectFrom('pools').selectAll().execute() as Promise<PoolRow[]>;
}

const state: MigrationStep = {
  async up(db, dialect) {
    await lanes.up(db, dialect);
    await pools.up(db, dialect);
  },
  async down(db, dialect) {
    await pools.down(db, dialect);
    await lanes.down(db, dialect);
  },
};

export const lanesAndUnits: Migration = { name: '013_lanes_and_units', state };

import { sql } from 'kysely';
import type { Migration, MigrationStep } from '../migration.ts';

const state: MigrationStep = {
  async up(db) {
    await db.schema
      .createTable('tasks')
      .addColumn('task_id', 'text', (column) => column.primaryKey())
      .addColumn('task_type', 'text', (column) => column.notNull())
      .addColumn('phase_id', 'text', (column) => column.notNull())
      .addColumn('priority', 'integer', (column) => column.notNull())
      .addColumn('queue_order', 'bigint', (column) => column.notNull())
      .addColumn('payload', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('pool_id', 'text')
      .addColumn('idempotency_key', 'text', (column) => column.unique())
      .addColumn('max_attempts', 'integer', (column) => column.notNull())
      .addColumn('attempt', 'integer', (column) => column.notNull())
      .addColumn('failures', 'integer', (column) => column.notNull())
      .addColumn('leases_lost', 'integer', (column) => column.notNull())
      .addColumn('available_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('kept_for_agent_id', 'text')
      .addColumn('kept_until_ms', 'bigint')
      .addColumn('agent_id', 'text')
      .addColumn('generation', 'integer')
      .addColumn('claimed_at_ms', 'bigint')
      .addColumn('lease_ms', 'integer')
      .addColumn('lease_until_ms', 'bigint')
      .addColumn('enqueued_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('first_claimed_at_ms', 'bigint')
      .addColumn('finished_at_ms', 'bigint')
      .addColumn('result', 'text')
      .addColumn('error', 'text')
      .addColumn('traceparent', 'text')
      .execute();
    await db.schema.createIndex('tasks_by_order').on('tasks').columns(['queue_order', 'task_id']).execute();
    // A claim takes the first entry of one of the two; finished tasks are in neither.
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
    await db.schema
      .createIndex('tasks_held')
      .on('tasks')
      .columns(['agent_id', 'generation'])
      .where(sql.ref('state'), '=', 'claimed')
      .execute();
    await db.schema
      .createIndex('tasks_finished')
      .on('tasks')
      .column('finished_at_ms')
      .where('finished_at_ms', 'is not', null)
      .execute();
  },
  async down(db) {
    await db.schema.dropTable('tasks').execute();
  },
};

export const tasks: Migration = { name: '002_tasks', state };

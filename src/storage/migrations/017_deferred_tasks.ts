import { sql } from 'kysely';
import type { Migration, MigrationStep, SchemaAccess } from '../migration.ts';

async function dropLanes(db: SchemaAccess): Promise<void> {
  for (const index of ['tasks_phase_lane', 'tasks_lane']) await db.schema.dropIndex(index).execute();
}

/** Tasks that wait for a retry, or are kept for one agent, lie in no lane: a claim walks past none of them. */
const state: MigrationStep = {
  async up(db) {
    await db.schema.alterTable('tasks').addColumn('deferred_until_ms', 'bigint').execute();
    // Which of them are due is found out by the first claim.
    await sql`update tasks set deferred_until_ms = coalesce(kept_until_ms, available_at_ms)
      where state = 'queued' and (kept_until_ms is not null or available_at_ms > enqueued_at_ms)`.execute(db);
    await dropLanes(db);
    await db.schema
      .createIndex('tasks_lane')
      .on('tasks')
      .columns(['pool_id', 'phase_id', 'task_type', 'priority desc', 'queue_order'])
      .where(sql.ref('state'), '=', 'queued')
      .where(sql.ref('deferred_until_ms'), 'is', null)
      .execute();
    await db.schema
      .createIndex('tasks_phase_lane')
      .on('tasks')
      .columns(['pool_id', 'phase_id', 'priority desc', 'queue_order'])
      .where(sql.ref('state'), '=', 'queued')
      .where(sql.ref('deferred_until_ms'), 'is', null)
      .execute();
    await db.schema
      .createIndex('tasks_deferred')
      .on('tasks')
      .column('deferred_until_ms')
      .where(sql.ref('state'), '=', 'queued')
      .where(sql.ref('deferred_until_ms'), 'is not', null)
      .execute();
  },
  async down(db) {
    await db.schema.dropIndex('tasks_deferred').execute();
    await dropLanes(db);
    await db.schema.alterTable('tasks').dropColumn('deferred_until_ms').execute();
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
  },
};

export const deferredTasks: Migration = { name: '017_deferred_tasks', state };

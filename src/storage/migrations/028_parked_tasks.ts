import { sql } from 'kysely';
import type { Migration, MigrationStep } from '../migration.ts';

/**
 * Losses that count as attempts, apart from all losses; tasks that are parked; how long a claim may run. Tasks that are
 * claimed alone, and those that are parked, are found without a walk over the others.
 */
const state: MigrationStep = {
  async up(db) {
    await db.schema
      .alterTable('tasks')
      .addColumn('counted_losses', 'integer', (column) => column.notNull().defaultTo(0))
      .execute();
    await db.schema.alterTable('tasks').addColumn('time_limit_ms', 'bigint').execute();
    await db.schema.alterTable('tasks').addColumn('parked_at_ms', 'bigint').execute();
    await db.schema
      .createIndex('tasks_alone')
      .on('tasks')
      .columns(['pool_id', 'priority desc', 'queue_order'])
      .where(sql.ref('state'), '=', 'queued')
      .where(sql.ref('counted_losses'), '>', 0)
      .execute();
    await db.schema
      .createIndex('tasks_parked')
      .on('tasks')
      .columns(['queue_order', 'task_id'])
      .where(sql.ref('state'), '=', 'parked')
      .execute();
  },
  async down(db) {
    await db.schema.dropIndex('tasks_parked').execute();
    await db.schema.dropIndex('tasks_alone').execute();
    // The schema before knows no parked tasks: it failed those that were lost too often.
    await sql`update tasks set state = 'failed', finished_at_ms = parked_at_ms where state = 'parked'`.execute(
      db,
    );
    for (const column of ['parked_at_ms', 'time_limit_ms', 'counted_losses']) {
      await db.schema.alterTable('tasks').dropColumn(column).execute();
    }
  },
};

export const parkedTasks: Migration = { name: '028_parked_tasks', state };

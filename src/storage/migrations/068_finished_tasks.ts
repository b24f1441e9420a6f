import { sql } from 'kysely';
import type { Migration, MigrationStep } from '../migration.ts';

/**
 * Pages of finished tasks are in the order of their ends and ids: without the ids in the index all that ended within the same
 * millisecond were sorted for each page, and they are many where batches end together.
 */
const state: MigrationStep = {
  async up(db) {
    await db.schema.dropIndex('tasks_finished').execute();
    await db.schema
      .createIndex('tasks_finished')
      .on('tasks')
      .columns(['finished_at_ms desc', 'task_id desc'])
      .where(sql.ref('finished_at_ms'), 'is not', null)
      .execute();
  },
  async down(db) {
    await db.schema.dropIndex('tasks_finished').execute();
    await db.schema
      .createIndex('tasks_finished')
      .on('tasks')
      .column('finished_at_ms')
      .where(sql.ref('finished_at_ms'), 'is not', null)
      .execute();
  },
};

export const finishedTasks: Migration = { name: '068_finished_tasks', state };

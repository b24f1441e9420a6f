import type { Migration, MigrationStep } from '../migration.ts';

/** What a holder said last of how far it is: the next one began anew. */
const state: MigrationStep = {
  async up(db) {
    await db.schema.alterTable('tasks').addColumn('progress', 'text').execute();
  },
  async down(db) {
    await db.schema.alterTable('tasks').dropColumn('progress').execute();
  },
};

export const taskProgress: Migration = { name: '059_task_progress', state };

import type { Migration, MigrationStep } from '../migration.ts';

/** How often a task was handed on, so that agents that hand it to each other come to an end; those from before count anew. */
const state: MigrationStep = {
  async up(db) {
    await db.schema
      .alterTable('tasks')
      .addColumn('handoffs', 'integer', (column) => column.notNull().defaultTo(0))
      .execute();
  },
  async down(db) {
    await db.schema.alterTable('tasks').dropColumn('handoffs').execute();
  },
};

export const handoffs: Migration = { name: '038_handoffs', state };

import type { Migration, MigrationStep } from '../migration.ts';

/** How long a generation may take to register, as its pool said when it was opened; for those from before the usual time. */
const state: MigrationStep = {
  async up(db) {
    await db.schema.alterTable('agents').addColumn('start_within_ms', 'integer').execute();
  },
  async down(db) {
    await db.schema.alterTable('agents').dropColumn('start_within_ms').execute();
  },
};

export const startWithin: Migration = { name: '039_start_within', state };

import type { Migration, MigrationStep } from '../migration.ts';

/** A unit that drains names the restart that follows its end. */
const state: MigrationStep = {
  async up(db) {
    await db.schema.alterTable('agent_units').addColumn('restart', 'text').execute();
  },
  async down(db) {
    await db.schema.alterTable('agent_units').dropColumn('restart').execute();
  },
};

export const drains: Migration = { name: '027_drains', state };

import type { Migration, MigrationStep } from '../migration.ts';

/** Why an agent said that it leaves: where a quarantine outlived it, only that it had left was known. */
const state: MigrationStep = {
  async up(db) {
    await db.schema.alterTable('agent_generations').addColumn('goodbye', 'text').execute();
  },
  async down(db) {
    await db.schema.alterTable('agent_generations').dropColumn('goodbye').execute();
  },
};

export const goodbyes: Migration = { name: '060_goodbyes', state };

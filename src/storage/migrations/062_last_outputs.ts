import type { Migration, MigrationStep } from '../migration.ts';

/** What an external agent put out last: its files are on the machine where it ran. */
const state: MigrationStep = {
  async up(db) {
    await db.schema.alterTable('agent_generations').addColumn('last_output', 'text').execute();
  },
  async down(db) {
    await db.schema.alterTable('agent_generations').dropColumn('last_output').execute();
  },
};

export const lastOutputs: Migration = { name: '062_last_outputs', state };

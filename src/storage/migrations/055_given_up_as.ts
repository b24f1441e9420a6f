import type { Migration, MigrationStep } from '../migration.ts';

/** What is to be handed to the guardian once no guard says that it is doubtful: it was handed over at once. */
const state: MigrationStep = {
  async up(db) {
    await db.schema.alterTable('remediations').addColumn('given_up_as', 'text').execute();
  },
  async down(db) {
    await db.schema.alterTable('remediations').dropColumn('given_up_as').execute();
  },
};

export const givenUpAs: Migration = { name: '055_given_up_as', state };

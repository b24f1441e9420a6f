import type { Migration, MigrationStep } from '../migration.ts';

/** The failure domains that are in a storm: after a start of the server it was one of the whole fleet, until it ended. */
const state: MigrationStep = {
  async up(db) {
    await db.schema.alterTable('watchdog_states').addColumn('storms', 'text').execute();
  },
  async down(db) {
    await db.schema.alterTable('watchdog_states').dropColumn('storms').execute();
  },
};

export const stormDomains: Migration = { name: '052_storm_domains', state };

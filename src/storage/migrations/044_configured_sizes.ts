import type { Migration, MigrationStep } from '../migration.ts';

/** The size that the configuration gave a pool last, so that one that a person has set since is told from it. */
const state: MigrationStep = {
  async up(db) {
    await db.schema.alterTable('pools').addColumn('configured_desired', 'integer').execute();
  },
  async down(db) {
    await db.schema.alterTable('pools').dropColumn('configured_desired').execute();
  },
};

export const configuredSizes: Migration = { name: '044_configured_sizes', state };

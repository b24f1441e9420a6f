import type { Migration, MigrationStep } from '../migration.ts';

/** That an external agent is to leave: a server that starts anew asks it again, and gives it no work. */
const state: MigrationStep = {
  async up(db) {
    await db.schema.alterTable('agent_generations').addColumn('drain_asked_at_ms', 'bigint').execute();
  },
  async down(db) {
    await db.schema.alterTable('agent_generations').dropColumn('drain_asked_at_ms').execute();
  },
};

export const externalDrains: Migration = { name: '067_external_drains', state };

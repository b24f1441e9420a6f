import type { Migration, MigrationStep } from '../migration.ts';

/** Who beats for a generation: it itself, by the SDK, or Omoi, which watches its process. Null of those before this was kept. */
const state: MigrationStep = {
  async up(db) {
    await db.schema.alterTable('agent_generations').addColumn('heartbeat', 'text').execute();
  },
  async down(db) {
    await db.schema.alterTable('agent_generations').dropColumn('heartbeat').execute();
  },
};

export const processHeartbeats: Migration = { name: '061_process_heartbeats', state };

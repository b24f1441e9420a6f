import type { Migration, MigrationStep } from '../migration.ts';

/** A holder's own lock of a resource is found by one index: an agent that held thousands had all of them looked through. */
const state: MigrationStep = {
  async up(db) {
    await db.schema.dropIndex('locks_by_holder').execute();
    await db.schema
      .createIndex('locks_by_holder')
      .on('locks')
      .columns(['agent_id', 'generation', 'resource_type', 'resource_name'])
      .execute();
  },
  async down(db) {
    await db.schema.dropIndex('locks_by_holder').execute();
    await db.schema.createIndex('locks_by_holder').on('locks').columns(['agent_id', 'generation']).execute();
  },
};

export const locksByHolder: Migration = { name: '045_locks_by_holder', state };

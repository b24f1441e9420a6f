import type { Migration, MigrationStep } from '../migration.ts';

/** Who asked for a unit's end is told of its agent. */
const state: MigrationStep = {
  async up(db) {
    await db.schema.alterTable('agent_units').addColumn('stopped_by', 'text').execute();
  },
  async down(db) {
    await db.schema.alterTable('agent_units').dropColumn('stopped_by').execute();
  },
};

export const unitStops: Migration = { name: '024_unit_stops', state };

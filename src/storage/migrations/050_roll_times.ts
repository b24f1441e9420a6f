import type { Migration, MigrationStep } from '../migration.ts';

const COLUMNS = [
  ['ill_since_ms', 'bigint'],
  ['ill_boot_ms', 'bigint'],
  ['ill_boot_id', 'text'],
] as const;

/**
 * Since when a unit on which the roll of its pool waits has not been well, on both clocks. It was in memory alone, so that a
 * server that started again gave it its whole time anew.
 */
const state: MigrationStep = {
  async up(db) {
    for (const [name, type] of COLUMNS)
      await db.schema.alterTable('agent_units').addColumn(name, type).execute();
  },
  async down(db) {
    for (const [name] of COLUMNS.toReversed())
      await db.schema.alterTable('agent_units').dropColumn(name).execute();
  },
};

export const rollTimes: Migration = { name: '050_roll_times', state };

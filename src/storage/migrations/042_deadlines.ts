import type { Migration, MigrationStep } from '../migration.ts';

const TABLES = ['agent_units', 'pool_scale_overrides', 'pools', 'watchdog_claims'] as const;

/**
 * When a deadline was set, on both clocks: the end of a unit by force, of a scale override, of a pool's pause before the
 * next start, and the release of an override of the watchdog. A clock that was set forth by an hour killed what drained,
 * and one that was set back kept an override for as long.
 */
const state: MigrationStep = {
  async up(db) {
    for (const table of TABLES) {
      await db.schema.alterTable(table).addColumn('deadline_set_at_ms', 'bigint').execute();
      await db.schema.alterTable(table).addColumn('deadline_boot_ms', 'bigint').execute();
      await db.schema.alterTable(table).addColumn('deadline_boot_id', 'text').execute();
    }
  },
  async down(db) {
    for (const table of TABLES) {
      await db.schema.alterTable(table).dropColumn('deadline_boot_id').execute();
      await db.schema.alterTable(table).dropColumn('deadline_boot_ms').execute();
      await db.schema.alterTable(table).dropColumn('deadline_set_at_ms').execute();
    }
  },
};

export const deadlines: Migration = { name: '042_deadlines', state };

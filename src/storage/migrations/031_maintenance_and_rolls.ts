import { sql } from 'kysely';
import type { Migration, MigrationStep } from '../migration.ts';

/**
 * Windows of maintenance, in which the watchdog leaves a pool, a host or an agent alone, and the alerts that began in one.
 * Of a pool that is brought to another definition: how that stands, and what each of its generations is made of.
 */
const state: MigrationStep = {
  async up(db) {
    await db.schema
      .createTable('maintenance_windows')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('target_kind', 'text', (column) => column.notNull())
      .addColumn('target_id', 'text', (column) => column.notNull())
      .addColumn('reason', 'text', (column) => column.notNull())
      .addColumn('started_by', 'text', (column) => column.notNull())
      .addColumn('started_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('boot_ms', 'bigint', (column) => column.notNull())
      .addColumn('boot_id', 'text', (column) => column.notNull())
      .addColumn('length_ms', 'bigint', (column) => column.notNull())
      .addColumn('ended_at_ms', 'bigint')
      .addColumn('ended_by', 'text')
      .execute();
    await db.schema
      .createIndex('maintenance_windows_open')
      .on('maintenance_windows')
      .column('id')
      .where(sql.ref('ended_at_ms'), 'is', null)
      .execute();
    await db.schema
      .createIndex('maintenance_windows_ended')
      .on('maintenance_windows')
      .column('ended_at_ms')
      .execute();
    await db.schema.alterTable('alerts').addColumn('maintenance_id', 'text').execute();
    await db.schema.alterTable('pools').addColumn('roll', 'text').execute();
    await db.schema.alterTable('agent_units').addColumn('made_of', 'text').execute();
    await db.schema.alterTable('agent_units').addColumn('verified_at_ms', 'bigint').execute();
  },
  async down(db) {
    await db.schema.alterTable('agent_units').dropColumn('verified_at_ms').execute();
    await db.schema.alterTable('agent_units').dropColumn('made_of').execute();
    await db.schema.alterTable('pools').dropColumn('roll').execute();
    await db.schema.alterTable('alerts').dropColumn('maintenance_id').execute();
    await db.schema.dropTable('maintenance_windows').execute();
  },
};

export const maintenanceAndRolls: Migration = { name: '031_maintenance_and_rolls', state };

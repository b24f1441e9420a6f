import type { Migration, MigrationStep } from '../migration.ts';

/** On which machine, and in which boot of it, a unit was started: another server may take the state over elsewhere. */
const state: MigrationStep = {
  async up(db) {
    await db.schema.alterTable('agent_units').addColumn('host', 'text').execute();
    await db.schema.alterTable('agent_units').addColumn('host_boot_id', 'text').execute();
  },
  async down(db) {
    await db.schema.alterTable('agent_units').dropColumn('host_boot_id').execute();
    await db.schema.alterTable('agent_units').dropColumn('host').execute();
  },
};

export const unitHosts: Migration = { name: '051_unit_hosts', state };

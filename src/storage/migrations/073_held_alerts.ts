import type { Migration, MigrationStep } from '../migration.ts';

/** Alerts that are held back while the watchdog repairs what they tell of: read at the start, gone with their alerts. */
const state: MigrationStep = {
  async up(db) {
    await db.schema
      .createTable('notification_holds')
      .addColumn('alert_id', 'text', (column) => column.primaryKey())
      .addColumn('policy', 'text', (column) => column.notNull())
      .addColumn('target', 'text', (column) => column.notNull())
      .addColumn('severity', 'text', (column) => column.notNull())
      .addColumn('labels', 'text', (column) => column.notNull())
      .addColumn('receivers', 'text', (column) => column.notNull())
      .addColumn('until_ms', 'bigint', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('steps', 'text', (column) => column.notNull())
      .addColumn('reason', 'text', (column) => column.notNull())
      .execute();
  },
  async down(db) {
    await db.schema.dropTable('notification_holds').execute();
  },
};

export const heldAlerts: Migration = { name: '073_held_alerts', state };

import type { Migration, MigrationStep } from '../migration.ts';

/** Which alerts a group has kept back while they fired: read at the start, gone with their alerts. */
const state: MigrationStep = {
  async up(db) {
    await db.schema
      .createTable('notification_kept_back')
      .addColumn('alert_id', 'text', (column) => column.notNull())
      .addColumn('group_id', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('notification_kept_back_key', ['alert_id', 'group_id'])
      .execute();
  },
  async down(db) {
    await db.schema.dropTable('notification_kept_back').execute();
  },
};

export const keptBackAlerts: Migration = { name: '077_kept_back_alerts', state };

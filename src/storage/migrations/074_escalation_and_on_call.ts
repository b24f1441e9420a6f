import type { Migration, MigrationStep } from '../migration.ts';

/** Signed links, ladders of escalation, and overrides of who is on call. */
const state: MigrationStep = {
  async up(db) {
    await db.schema
      .createTable('notification_secrets')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('value', 'text', (column) => column.notNull())
      .addColumn('created_at_ms', 'bigint', (column) => column.notNull())
      .execute();
    await db.schema
      .createTable('notification_escalations')
      .addColumn('alert_id', 'text', (column) => column.notNull())
      .addColumn('escalation', 'text', (column) => column.notNull())
      .addColumn('group_id', 'text', (column) => column.notNull())
      .addColumn('group_key', 'text', (column) => column.notNull())
      .addColumn('group_labels', 'text', (column) => column.notNull())
      .addColumn('route_labels', 'text', (column) => column.notNull())
      .addColumn('receiver', 'text', (column) => column.notNull())
      .addColumn('began_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('step', 'integer', (column) => column.notNull())
      .addColumn('round', 'integer', (column) => column.notNull())
      .addColumn('due_at_ms', 'bigint')
      .addPrimaryKeyConstraint('notification_escalations_key', ['alert_id', 'escalation'])
      .execute();
    await db.schema.alterTable('notifications').addColumn('severity', 'text').execute();
    await db.schema
      .createTable('on_call_overrides')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('schedule', 'text', (column) => column.notNull())
      .addColumn('person', 'text', (column) => column.notNull())
      .addColumn('starts_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('ends_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('comment', 'text', (column) => column.notNull())
      .addColumn('created_by', 'text', (column) => column.notNull())
      .addColumn('created_at_ms', 'bigint', (column) => column.notNull())
      .execute();
    await db.schema
      .createIndex('on_call_overrides_end')
      .on('on_call_overrides')
      .column('ends_at_ms')
      .execute();
  },
  async down(db) {
    await db.schema.dropTable('on_call_overrides').execute();
    await db.schema.alterTable('notifications').dropColumn('severity').execute();
    await db.schema.dropTable('notification_escalations').execute();
    await db.schema.dropTable('notification_secrets').execute();
  },
};

export const escalationAndOnCall: Migration = { name: '074_escalation_and_on_call', state };

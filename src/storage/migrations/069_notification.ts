import { sql } from 'kysely';
import type { Migration, MigrationStep } from '../migration.ts';

/** Who is told of alerts: what is still to be told, what each receiver knows, the messages, and the decisions on the way. */
const state: MigrationStep = {
  async up(db, dialect) {
    await db.schema
      .createTable('notification_alerts')
      .addColumn('alert_id', 'text', (column) => column.primaryKey())
      .execute();
    await db.schema
      .createTable('notification_log')
      .addColumn('group_id', 'text', (column) => column.notNull())
      .addColumn('integration', 'text', (column) => column.notNull())
      .addColumn('firing', 'text', (column) => column.notNull())
      .addColumn('resolved', 'text', (column) => column.notNull())
      .addColumn('notified_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('memory', 'text')
      .addPrimaryKeyConstraint('notification_log_key', ['group_id', 'integration'])
      .execute();
    await db.schema
      .createTable('notifications')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('group_id', 'text', (column) => column.notNull())
      .addColumn('group_key', 'text', (column) => column.notNull())
      .addColumn('receiver', 'text', (column) => column.notNull())
      .addColumn('integration', 'text', (column) => column.notNull())
      .addColumn('reason', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('alerts', 'text', (column) => column.notNull())
      .addColumn('truncated', 'integer', (column) => column.notNull())
      .addColumn('group_labels', 'text', (column) => column.notNull())
      .addColumn('route_labels', 'text', (column) => column.notNull())
      .addColumn('note', 'text')
      .addColumn('firing', 'text', (column) => column.notNull())
      .addColumn('resolved', 'text', (column) => column.notNull())
      .addColumn('attempts', 'integer', (column) => column.notNull())
      .addColumn('created_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('next_attempt_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('finished_at_ms', 'bigint')
      .addColumn('answer', 'text')
      .addColumn('failure', 'text')
      .addColumn('traceparent', 'text')
      .execute();
    await db.schema
      .createIndex('notifications_pending')
      .on('notifications')
      .column('id')
      .where(sql.ref('state'), '=', sql.lit('pending'))
      .execute();
    await db.schema
      .createIndex('notifications_finished')
      .on('notifications')
      .column('finished_at_ms')
      .execute();
    await db.schema
      .createIndex('notifications_created')
      .on('notifications')
      .column('created_at_ms')
      .execute();
    await db.schema
      .createTable('notification_decisions')
      .addColumn('id', dialect === 'sqlite' ? 'integer' : 'bigint', (column) =>
        dialect === 'sqlite'
          ? column.primaryKey().autoIncrement()
          : column.primaryKey().generatedAlwaysAsIdentity(),
      )
      .addColumn('alert_id', 'text', (column) => column.notNull())
      .addColumn('at_ms', 'bigint', (column) => column.notNull())
      .addColumn('stage', 'text', (column) => column.notNull())
      .addColumn('decision', 'text', (column) => column.notNull())
      .addColumn('receiver', 'text')
      .addColumn('notification_id', 'text')
      .addColumn('reason', 'text', (column) => column.notNull())
      .execute();
    await db.schema
      .createIndex('notification_decisions_alert')
      .on('notification_decisions')
      .columns(['alert_id', 'id'])
      .execute();
    await db.schema
      .createIndex('notification_decisions_time')
      .on('notification_decisions')
      .column('at_ms')
      .execute();
  },
  async down(db) {
    await db.schema.dropTable('notification_decisions').execute();
    await db.schema.dropTable('notifications').execute();
    await db.schema.dropTable('notification_log').execute();
    await db.schema.dropTable('notification_alerts').execute();
  },
};

export const notification: Migration = { name: '069_notification', state };

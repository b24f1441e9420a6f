import { sql } from 'kysely';
import type { Migration, MigrationStep } from '../migration.ts';

const COLUMNS = [
  ['acknowledged_note', 'text'],
  ['snoozed_until_ms', 'bigint'],
  ['snoozed_by', 'text'],
  ['snooze_note', 'text'],
  ['assigned_to', 'text'],
  ['assigned_by', 'text'],
  ['assigned_at_ms', 'bigint'],
] as const;

/** What people do about alerts: why they have acknowledged one, until when it is snoozed, whose it is, what they say. */
const state: MigrationStep = {
  async up(db) {
    for (const [name, type] of COLUMNS) await db.schema.alterTable('alerts').addColumn(name, type).execute();
    await db.schema
      .createIndex('alerts_snoozed')
      .on('alerts')
      .column('id')
      .where(sql.ref('snoozed_by'), 'is not', null)
      .execute();
    await db.schema
      .createTable('alert_comments')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('alert_id', 'text', (column) => column.notNull())
      .addColumn('commented_by', 'text', (column) => column.notNull())
      .addColumn('text', 'text', (column) => column.notNull())
      .addColumn('at_ms', 'bigint', (column) => column.notNull())
      .execute();
    await db.schema
      .createIndex('alert_comments_alert')
      .on('alert_comments')
      .columns(['alert_id', 'id'])
      .execute();
  },
  async down(db) {
    await db.schema.dropTable('alert_comments').execute();
    await db.schema.dropIndex('alerts_snoozed').execute();
    for (const [name] of COLUMNS.toReversed())
      await db.schema.alterTable('alerts').dropColumn(name).execute();
  },
};

export const alertHandling: Migration = { name: '072_alert_handling', state };

import { sql } from 'kysely';
import type { Migration, MigrationStep } from '../migration.ts';

/** Silences: what is in force or to come is read at the start, what has ended by its end. */
const state: MigrationStep = {
  async up(db) {
    await db.schema
      .createTable('silences')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('matcher_sets', 'text', (column) => column.notNull())
      .addColumn('starts_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('ends_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('created_by', 'text', (column) => column.notNull())
      .addColumn('set_by', 'text', (column) => column.notNull())
      .addColumn('comment', 'text', (column) => column.notNull())
      .addColumn('annotations', 'text', (column) => column.notNull())
      .addColumn('created_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('updated_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('until_resolved', 'integer', (column) => column.notNull())
      .addColumn('warn_before_ms', 'bigint')
      .addColumn('warned_at_ms', 'bigint')
      .addColumn('alert_id', 'text')
      .addColumn('ended_at_ms', 'bigint')
      .addColumn('end_cause', 'text')
      .addColumn('ended_by', 'text')
      .addColumn('replaced_by', 'text')
      .execute();
    await db.schema
      .createIndex('silences_live')
      .on('silences')
      .column('id')
      .where(sql.ref('ended_at_ms'), 'is', null)
      .execute();
    await db.schema.createIndex('silences_ended').on('silences').columns(['ended_at_ms', 'id']).execute();
  },
  async down(db) {
    await db.schema.dropTable('silences').execute();
  },
};

export const silences: Migration = { name: '070_silences', state };

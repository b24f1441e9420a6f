import type { Migration, MigrationStep } from '../migration.ts';

/** For whom a token may speak, so that a policy acts on its word. */
const state: MigrationStep = {
  async up(db) {
    await db.schema.alterTable('access_tokens').addColumn('speaks_for', 'text').execute();
  },
  async down(db) {
    await db.schema.alterTable('access_tokens').dropColumn('speaks_for').execute();
  },
};

/** Who archived series are from; '' for what was archived before that was known. Those of a metric are read at a start. */
const telemetry: MigrationStep = {
  async up(db) {
    await db.schema
      .alterTable('tsdb_series')
      .addColumn('sender', 'text', (column) => column.notNull().defaultTo(''))
      .execute();
    await db.schema
      .createIndex('tsdb_series_senders')
      .on('tsdb_series')
      .columns(['metric_name', 'sender'])
      .execute();
  },
  async down(db) {
    await db.schema.dropIndex('tsdb_series_senders').execute();
    await db.schema.alterTable('tsdb_series').dropColumn('sender').execute();
  },
};

export const senders: Migration = { name: '029_senders', state, telemetry };

import type { Migration, MigrationStep } from '../migration.ts';

/** The orders in which people page through anomalies, so that a page does not sort all there ever were. */
const state: MigrationStep = {
  async up(db) {
    await db.schema
      .createIndex('monitor_anomalies_by_metric')
      .on('monitor_anomalies')
      .columns(['metric_name', 'detected_at_ms', 'id'])
      .execute();
  },
  async down(db) {
    await db.schema.dropIndex('monitor_anomalies_by_metric').execute();
  },
};

/** The size of the archive is the sum of an index, not of all its rows, when the server starts. */
const telemetry: MigrationStep = {
  async up(db) {
    await db.schema.dropIndex('tsdb_chunks_max_ms').execute();
    await db.schema
      .createIndex('tsdb_chunks_by_end')
      .on('tsdb_chunks')
      .columns(['max_ms', 'byte_length'])
      .execute();
  },
  async down(db) {
    await db.schema.dropIndex('tsdb_chunks_by_end').execute();
    await db.schema.createIndex('tsdb_chunks_max_ms').on('tsdb_chunks').column('max_ms').execute();
  },
};

export const lists: Migration = { name: '014_lists', state, telemetry };

import { sql } from 'kysely';
import type { MigrationStep } from '../../migration.ts';

/** What the detectors found. */
export const monitor: MigrationStep = {
  async up(db) {
    await db.schema
      .createTable('monitor_anomalies')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('metric_name', 'text', (column) => column.notNull())
      .addColumn('labels', 'text', (column) => column.notNull())
      .addColumn('series_key', 'text', (column) => column.notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('detector', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('value', 'double precision', (column) => column.notNull())
      .addColumn('expected', 'double precision')
      .addColumn('score', 'double precision', (column) => column.notNull())
      .addColumn('peak_score', 'double precision', (column) => column.notNull())
      .addColumn('detected_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('closed_at_ms', 'bigint')
      .addColumn('acknowledged_by', 'text')
      .addColumn('acknowledged_at_ms', 'bigint')
      .addColumn('traceparent', 'text')
      .execute();
    await db.schema
      .createIndex('monitor_anomalies_open_once')
      .on('monitor_anomalies')
      .column('series_key')
      .unique()
      .where(sql.ref('state'), '=', 'open')
      .execute();
    await db.schema
      .createIndex('monitor_anomalies_by_time')
      .on('monitor_anomalies')
      .columns(['detected_at_ms', 'id'])
      .execute();
    await db.schema
      .createIndex('monitor_anomalies_by_closed')
      .on('monitor_anomalies')
      .column('closed_at_ms')
      .execute();
  },
  async down(db) {
    await db.schema.dropTable('monitor_anomalies').execute();
  },
};

import type { Migration, MigrationStep } from '../migration.ts';

const telemetry: MigrationStep = {
  async up(db, dialect) {
    const blob = dialect === 'sqlite' ? 'blob' : 'bytea';
    await db.schema
      .createTable('tsdb_series')
      .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
      .addColumn('metric_name', 'text', (column) => column.notNull())
      .addColumn('labels', 'text', (column) => column.notNull().unique())
      .execute();
    await db.schema
      .createIndex('tsdb_series_metric_name')
      .on('tsdb_series')
      .columns(['metric_name'])
      .execute();
    await db.schema
      .createTable('tsdb_chunks')
      .addColumn('series_id', 'integer', (column) => column.notNull())
      .addColumn('min_ms', 'bigint', (column) => column.notNull())
      .addColumn('max_ms', 'bigint', (column) => column.notNull())
      .addColumn('kind', 'integer', (column) => column.notNull())
      .addColumn('count', 'integer', (column) => column.notNull())
      .addColumn('byte_length', 'integer', (column) => column.notNull())
      .addColumn('bytes', blob, (column) => column.notNull())
      .addPrimaryKeyConstraint('tsdb_chunks_key', ['series_id', 'min_ms', 'kind'])
      .execute();
    await db.schema.createIndex('tsdb_chunks_max_ms').on('tsdb_chunks').columns(['max_ms']).execute();
  },
  async down(db) {
    await db.schema.dropTable('tsdb_chunks').execute();
    await db.schema.dropTable('tsdb_series').execute();
  },
};

export const tsdb: Migration = { name: '007_tsdb', telemetry };

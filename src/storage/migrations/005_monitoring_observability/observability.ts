import type { MigrationStep } from '../../migration.ts';

/** The spans of Omoi's own traces and of what others sent. */
export const observability: MigrationStep = {
  async up(db) {
    await db.schema
      .createTable('trace_spans')
      .addColumn('trace_id', 'text', (column) => column.notNull())
      .addColumn('span_id', 'text', (column) => column.notNull())
      .addColumn('parent_span_id', 'text')
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('service_name', 'text', (column) => column.notNull())
      // Microseconds since the epoch fit a double exactly until the year 2255; nanoseconds do not.
      .addColumn('start_us', 'bigint', (column) => column.notNull())
      .addColumn('end_us', 'bigint', (column) => column.notNull())
      .addColumn('status', 'text', (column) => column.notNull())
      .addColumn('status_message', 'text')
      .addColumn('attributes', 'text', (column) => column.notNull())
      .addColumn('links', 'text', (column) => column.notNull())
      .addColumn('events', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('trace_spans_key', ['trace_id', 'span_id'])
      .execute();
    await db.schema.createIndex('trace_spans_by_start').on('trace_spans').column('start_us').execute();
    await db.schema
      .createIndex('trace_spans_by_name')
      .on('trace_spans')
      .columns(['name', 'start_us'])
      .execute();
  },
  async down(db) {
    await db.schema.dropTable('trace_spans').execute();
  },
};

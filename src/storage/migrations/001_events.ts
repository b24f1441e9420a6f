import type { Migration, MigrationStep } from '../migration.ts';

/** The log of what happened, and how far each durable consumer of it has come. */
const state: MigrationStep = {
  async up(db, dialect) {
    await db.schema
      .createTable('events')
      // AUTOINCREMENT on SQLite: an id is never given twice, also after retention has taken the newest rows.
      .addColumn('id', dialect === 'sqlite' ? 'integer' : 'bigint', (column) =>
        dialect === 'sqlite'
          ? column.primaryKey().autoIncrement()
          : column.primaryKey().generatedAlwaysAsIdentity(),
      )
      .addColumn('event_type', 'text', (column) => column.notNull())
      .addColumn('entity_type', 'text', (column) => column.notNull())
      .addColumn('entity_id', 'text', (column) => column.notNull())
      .addColumn('payload', 'text', (column) => column.notNull())
      .addColumn('at_ms', 'bigint', (column) => column.notNull())
      .addColumn('traceparent', 'text')
      .addColumn('trace_id', 'text')
      .execute();
    await db.schema.createIndex('events_by_type').on('events').columns(['event_type', 'id']).execute();
    await db.schema.createIndex('events_by_entity').on('events').columns(['entity_id', 'id']).execute();
    await db.schema.createIndex('events_by_trace').on('events').columns(['trace_id', 'id']).execute();
    await db.schema.createIndex('events_by_time').on('events').column('at_ms').execute();
    await db.schema
      .createTable('event_cursors')
      .addColumn('consumer', 'text', (column) => column.primaryKey())
      .addColumn('last_event_id', 'bigint', (column) => column.notNull())
      .addColumn('updated_at_ms', 'bigint', (column) => column.notNull())
      .execute();
  },
  async down(db) {
    await db.schema.dropTable('event_cursors').execute();
    await db.schema.dropTable('events').execute();
  },
};

export const events: Migration = { name: '001_events', state };

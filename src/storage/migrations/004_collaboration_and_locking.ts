import type { Migration, MigrationStep } from '../migration.ts';

const state: MigrationStep = {
  async up(db) {
    await db.schema
      .createTable('lock_resources')
      .addColumn('resource_type', 'text', (column) => column.notNull())
      .addColumn('resource_name', 'text', (column) => column.notNull())
      .addColumn('last_token', 'bigint', (column) => column.notNull())
      .addColumn('touched_at_ms', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('lock_resources_key', ['resource_type', 'resource_name'])
      .execute();
    await db.schema
      .createTable('locks')
      .addColumn('lock_id', 'text', (column) => column.primaryKey())
      .addColumn('resource_type', 'text', (column) => column.notNull())
      .addColumn('resource_name', 'text', (column) => column.notNull())
      .addColumn('lock_mode', 'text', (column) => column.notNull())
      .addColumn('agent_id', 'text', (column) => column.notNull())
      .addColumn('generation', 'integer', (column) => column.notNull())
      .addColumn('fencing_token', 'bigint', (column) => column.notNull())
      .addColumn('ttl_ms', 'integer', (column) => column.notNull())
      .addColumn('acquired_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('expires_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('traceparent', 'text')
      .execute();
    await db.schema
      .createIndex('locks_by_resource')
      .on('locks')
      .columns(['resource_type', 'resource_name'])
      .execute();
    await db.schema.createIndex('locks_by_holder').on('locks').columns(['agent_id', 'generation']).execute();
    await db.schema
      .createTable('task_handoffs')
      .addColumn('handoff_id', 'text', (column) => column.primaryKey())
      .addColumn('task_id', 'text', (column) => column.notNull())
      .addColumn('from_agent_id', 'text', (column) => column.notNull())
      .addColumn('from_generation', 'integer', (column) => column.notNull())
      .addColumn('to_agent_id', 'text', (column) => column.notNull())
      .addColumn('reason', 'text')
      .addColumn('at_ms', 'bigint', (column) => column.notNull())
      .execute();
    await db.schema
      .createIndex('task_handoffs_by_task')
      .on('task_handoffs')
      .columns(['task_id', 'at_ms'])
      .execute();
  },
  async down(db) {
    await db.schema.dropTable('task_handoffs').execute();
    await db.schema.dropTable('locks').execute();
    await db.schema.dropTable('lock_resources').execute();
  },
};

export const collaborationAndLocking: Migration = { name: '004_collaboration_and_locking', state };

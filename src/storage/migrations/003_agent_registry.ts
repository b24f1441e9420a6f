import type { Migration, MigrationStep, SchemaAccess } from '../migration.ts';

async function createAgents(db: SchemaAccess): Promise<void> {
  await db.schema
    .createTable('agents')
    .addColumn('agent_id', 'text', (column) => column.primaryKey())
    .addColumn('agent_type', 'text', (column) => column.notNull())
    .addColumn('pool_id', 'text')
    .addColumn('phase_id', 'text')
    .addColumn('managed', 'integer', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('status_reason', 'text', (column) => column.notNull())
    .addColumn('status_since_ms', 'bigint', (column) => column.notNull())
    .addColumn('self_degraded', 'integer', (column) => column.notNull())
    .addColumn('generation', 'integer', (column) => column.notNull())
    .addColumn('labels', 'text', (column) => column.notNull())
    .addColumn('capabilities', 'text', (column) => column.notNull())
    .addColumn('heartbeat_interval_ms', 'integer')
    .addColumn('heartbeat_ttl_ms', 'integer')
    .addColumn('registered_at_ms', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('agent_generations')
    .addColumn('agent_id', 'text', (column) => column.notNull())
    .addColumn('generation', 'integer', (column) => column.notNull())
    .addColumn('nonce_hash', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('requested_by', 'text', (column) => column.notNull())
    .addColumn('traceparent', 'text')
    .addColumn('opened_at_ms', 'bigint', (column) => column.notNull())
    .addColumn('registered_at_ms', 'bigint')
    .addColumn('ended_at_ms', 'bigint')
    .addColumn('exited_at_ms', 'bigint')
    .addColumn('exit_code', 'integer')
    .addColumn('exit_signal', 'text')
    .addPrimaryKeyConstraint('agent_generations_key', ['agent_id', 'generation'])
    .execute();
  await db.schema
    .createTable('agent_beats')
    .addColumn('agent_id', 'text', (column) => column.primaryKey())
    .addColumn('last_heartbeat_at_ms', 'bigint')
    .addColumn('work_seen_at_ms', 'bigint')
    .addColumn('running', 'integer', (column) => column.notNull())
    .execute();
}

async function dropAgents(db: SchemaAccess): Promise<void> {
  await db.schema.dropTable('agent_beats').execute();
  await db.schema.dropTable('agent_generations').execute();
  await db.schema.dropTable('agents').execute();
}

const state: MigrationStep = {
  async up(db) {
    await createAgents(db);
  },
  async down(db) {
    await dropAgents(db);
  },
};

export const agentRegistry: Migration = { name: '003_agent_registry', state };

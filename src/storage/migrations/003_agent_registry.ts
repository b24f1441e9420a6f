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

async function createPools(db: SchemaAccess): Promise<void> {
  await db.schema
    .createTable('pools')
    .addColumn('pool_id', 'text', (column) => column.primaryKey())
    .addColumn('agent_type', 'text', (column) => column.notNull())
    .addColumn('phase_id', 'text')
    .addColumn('runtime', 'text', (column) => column.notNull())
    .addColumn('command', 'text', (column) => column.notNull())
    .addColumn('cwd', 'text')
    .addColumn('env', 'text', (column) => column.notNull())
    .addColumn('desired', 'integer', (column) => column.notNull())
    .addColumn('min_agents', 'integer', (column) => column.notNull())
    .addColumn('max_agents', 'integer', (column) => column.notNull())
    .addColumn('grace_ms', 'integer', (column) => column.notNull())
    .addColumn('orphan_timeout_ms', 'bigint', (column) => column.notNull())
    .addColumn('on_orphan', 'text', (column) => column.notNull())
    .addColumn('heartbeat_interval_ms', 'integer')
    .addColumn('heartbeat_ttl_ms', 'integer')
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('spawn_failures', 'integer', (column) => column.notNull())
    .addColumn('last_error', 'text')
    .addColumn('next_attempt_at_ms', 'bigint')
    .addColumn('created_at_ms', 'bigint', (column) => column.notNull())
    .addColumn('updated_at_ms', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('pool_claims')
    .addColumn('claim_id', 'text', (column) => column.primaryKey())
    .addColumn('pool_id', 'text', (column) => column.notNull())
    .addColumn('add_count', 'integer', (column) => column.notNull())
    .addColumn('holder', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('traceparent', 'text')
    .addColumn('created_at_ms', 'bigint', (column) => column.notNull())
    .addColumn('expires_at_ms', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('pool_claims_by_pool').on('pool_claims').column('pool_id').execute();
  await db.schema
    .createTable('agent_processes')
    .addColumn('agent_id', 'text', (column) => column.notNull())
    .addColumn('generation', 'integer', (column) => column.notNull())
    .addColumn('pool_id', 'text', (column) => column.notNull())
    .addColumn('runtime', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('wish', 'text', (column) => column.notNull())
    .addColumn('nonce', 'text')
    .addColumn('handle', 'text')
    .addColumn('pid', 'integer')
    .addColumn('kill_at_ms', 'bigint')
    .addColumn('traceparent', 'text')
    .addColumn('intended_at_ms', 'bigint', (column) => column.notNull())
    .addColumn('started_at_ms', 'bigint')
    .addColumn('ended_at_ms', 'bigint')
    .addColumn('exit_code', 'integer')
    .addColumn('exit_signal', 'text')
    .addPrimaryKeyConstraint('agent_processes_key', ['agent_id', 'generation'])
    .execute();
  await db.schema.createIndex('agent_processes_by_pool').on('agent_processes').column('pool_id').execute();
}

async function dropPools(db: SchemaAccess): Promise<void> {
  await db.schema.dropTable('agent_processes').execute();
  await db.schema.dropTable('pool_claims').execute();
  await db.schema.dropTable('pools').execute();
}

const state: MigrationStep = {
  async up(db) {
    await createAgents(db);
    await createPools(db);
  },
  async down(db) {
    await dropPools(db);
    await dropAgents(db);
  },
};

export const agentRegistry: Migration = { name: '003_agent_registry', state };

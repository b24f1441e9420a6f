import { sql } from 'kysely';
import type { Migration, MigrationStep, SchemaAccess } from '../migration.ts';

/** Who may do what, and who did what. */
const state: MigrationStep = {
  async up(db, dialect) {
    await createTokens(db);
    await createSessions(db);
    await createAuditLog(db, dialect);
  },
  async down(db) {
    await db.schema.dropTable('audit_log').execute();
    await db.schema.dropTable('login_links').execute();
    await db.schema.dropTable('access_sessions').execute();
    await db.schema.dropTable('access_tokens').execute();
  },
};

async function createTokens(db: SchemaAccess): Promise<void> {
  await db.schema
    .createTable('access_tokens')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('scope', 'text')
    .addColumn('secret_hash', 'text', (column) => column.notNull().unique())
    .addColumn('prefix', 'text', (column) => column.notNull())
    .addColumn('created_at_ms', 'bigint', (column) => column.notNull())
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('expires_at_ms', 'bigint')
    .addColumn('last_used_at_ms', 'bigint')
    .addColumn('revoked_at_ms', 'bigint')
    .addColumn('revoked_by', 'text')
    .execute();
  await db.schema
    .createIndex('access_tokens_live_name')
    .unique()
    .on('access_tokens')
    .column('name')
    .where(sql.ref('revoked_at_ms'), 'is', null)
    .execute();
}

async function createSessions(db: SchemaAccess): Promise<void> {
  await db.schema
    .createTable('access_sessions')
    .addColumn('secret_hash', 'text', (column) => column.primaryKey())
    .addColumn('token_id', 'text', (column) => column.notNull().references('access_tokens.id'))
    .addColumn('created_at_ms', 'bigint', (column) => column.notNull())
    .addColumn('expires_at_ms', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex('access_sessions_by_token')
    .on('access_sessions')
    .columns(['token_id', 'created_at_ms'])
    .execute();
  await db.schema
    .createTable('login_links')
    .addColumn('code_hash', 'text', (column) => column.primaryKey())
    .addColumn('token_id', 'text', (column) => column.notNull().references('access_tokens.id'))
    .addColumn('created_at_ms', 'bigint', (column) => column.notNull())
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('expires_at_ms', 'bigint', (column) => column.notNull())
    .addColumn('used_at_ms', 'bigint')
    .execute();
}

async function createAuditLog(db: SchemaAccess, dialect: 'sqlite' | 'postgres'): Promise<void> {
  await db.schema
    .createTable('audit_log')
    .addColumn('id', dialect === 'sqlite' ? 'integer' : 'bigint', (column) =>
      dialect === 'sqlite'
        ? column.primaryKey().autoIncrement()
        : column.primaryKey().generatedAlwaysAsIdentity(),
    )
    .addColumn('at_ms', 'bigint', (column) => column.notNull())
    .addColumn('actor_kind', 'text', (column) => column.notNull())
    .addColumn('actor_id', 'text', (column) => column.notNull())
    .addColumn('actor_name', 'text', (column) => column.notNull())
    .addColumn('action', 'text', (column) => column.notNull())
    .addColumn('entity', 'text', (column) => column.notNull())
    .addColumn('request_id', 'text', (column) => column.notNull())
    .addColumn('outcome', 'text', (column) => column.notNull())
    .addColumn('details', 'text', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('audit_log_by_time').on('audit_log').column('at_ms').execute();
}

export const access: Migration = { name: '006_access', state };

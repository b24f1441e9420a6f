import type { MigrationStep } from '../../migration.ts';

/** Remediations, what they did, what held them back, and the claims they keep up. */
export const watchdog: MigrationStep = {
  async up(db) {
    await db.schema
      .createTable('remediations')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('policy', 'text', (column) => column.notNull())
      .addColumn('alert_id', 'text', (column) => column.notNull())
      .addColumn('rule_id', 'text', (column) => column.notNull())
      .addColumn('target_kind', 'text', (column) => column.notNull())
      .addColumn('target_id', 'text', (column) => column.notNull())
      .addColumn('pool_id', 'text')
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('plan', 'text', (column) => column.notNull())
      .addColumn('step', 'integer', (column) => column.notNull())
      .addColumn('outcome', 'text')
      .addColumn('generation', 'integer')
      .addColumn('generation_since_ms', 'bigint')
      .addColumn('value_before', 'double precision')
      .addColumn('planned_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('step_started_at_ms', 'bigint')
      .addColumn('verify_until_ms', 'bigint')
      .addColumn('ended_at_ms', 'bigint')
      .addColumn('approved_by', 'text')
      .addColumn('reason', 'text')
      .addColumn('traceparent', 'text')
      .addColumn('updated_at_ms', 'bigint', (column) => column.notNull())
      .addUniqueConstraint('remediations_key', ['policy', 'alert_id', 'target_kind', 'target_id'])
      .execute();
    await db.schema
      .createIndex('remediations_by_state')
      .on('remediations')
      .columns(['state', 'planned_at_ms'])
      .execute();
    await db.schema.createIndex('remediations_by_alert').on('remediations').column('alert_id').execute();
    await db.schema
      .createIndex('remediations_by_policy')
      .on('remediations')
      .columns(['policy', 'step_started_at_ms'])
      .execute();
    await db.schema
      .createTable('watchdog_actions')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('remediation_id', 'text', (column) =>
        column.notNull().references('remediations.id').onDelete('cascade'),
      )
      .addColumn('step', 'integer', (column) => column.notNull())
      .addColumn('action', 'text', (column) => column.notNull())
      .addColumn('params', 'text', (column) => column.notNull())
      .addColumn('expected_generation', 'integer')
      .addColumn('intended_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('attempts', 'integer', (column) => column.notNull())
      .addColumn('next_attempt_at_ms', 'bigint')
      .addColumn('finished_at_ms', 'bigint')
      .addColumn('result', 'text')
      .addColumn('detail', 'text')
      .execute();
    await db.schema
      .createIndex('watchdog_actions_by_remediation')
      .on('watchdog_actions')
      .column('remediation_id')
      .execute();
    await db.schema
      .createTable('watchdog_suppressions')
      .addColumn('remediation_id', 'text', (column) =>
        column.notNull().references('remediations.id').onDelete('cascade'),
      )
      .addColumn('guard', 'text', (column) => column.notNull())
      .addColumn('reason', 'text', (column) => column.notNull())
      .addColumn('first_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('last_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('count', 'integer', (column) => column.notNull())
      .addColumn('until_ms', 'bigint')
      .addPrimaryKeyConstraint('watchdog_suppressions_key', ['remediation_id', 'guard'])
      .execute();
    await db.schema
      .createTable('watchdog_claims')
      .addColumn('claim_id', 'text', (column) => column.primaryKey())
      .addColumn('remediation_id', 'text', (column) => column.notNull())
      .addColumn('policy', 'text', (column) => column.notNull())
      .addColumn('pool_id', 'text', (column) => column.notNull())
      .addColumn('ttl_ms', 'bigint', (column) => column.notNull())
      .addColumn('release_after_ms', 'bigint', (column) => column.notNull())
      .addColumn('release_at_ms', 'bigint')
      .addColumn('traceparent', 'text')
      .execute();
    await db.schema
      .createTable('watchdog_states')
      .addColumn('state', 'text', (column) => column.primaryKey())
      .addColumn('active', 'integer', (column) => column.notNull())
      .addColumn('reason', 'text', (column) => column.notNull())
      .addColumn('changed_by', 'text', (column) => column.notNull())
      .addColumn('changed_at_ms', 'bigint', (column) => column.notNull())
      .execute();
  },
  async down(db) {
    for (const table of [
      'watchdog_states',
      'watchdog_claims',
      'watchdog_suppressions',
      'watchdog_actions',
      'remediations',
    ]) {
      await db.schema.dropTable(table).execute();
    }
  },
};

import { sql } from 'kysely';
import type { MigrationStep } from '../../migration.ts';

/** Alerts (one row an episode), the rules they come from, and what rules must remember over a restart. */
export const alerting: MigrationStep = {
  async up(db) {
    await db.schema
      .createTable('alerts')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('rule_id', 'text', (column) => column.notNull())
      .addColumn('rule_key', 'text', (column) => column.notNull())
      .addColumn('fingerprint', 'text', (column) => column.notNull())
      .addColumn('labels', 'text', (column) => column.notNull())
      .addColumn('annotations', 'text', (column) => column.notNull())
      .addColumn('source_labels', 'text', (column) => column.notNull())
      .addColumn('severity', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('value', 'text', (column) => column.notNull())
      .addColumn('threshold', 'double precision')
      .addColumn('metric_name', 'text')
      .addColumn('active_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('fired_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('resolved_at_ms', 'bigint')
      .addColumn('cause', 'text')
      .addColumn('acknowledged_by', 'text')
      .addColumn('acknowledged_at_ms', 'bigint')
      .addColumn('remediation_id', 'text')
      .addColumn('remediation_acted', 'integer', (column) => column.notNull())
      .addColumn('evaluation_error', 'text')
      .addColumn('traceparent', 'text')
      .addColumn('updated_at_ms', 'bigint', (column) => column.notNull())
      .execute();
    // One open episode for each rule and label set: what is written twice is refused by the database itself.
    await db.schema
      .createIndex('alerts_firing_once')
      .on('alerts')
      .columns(['rule_key', 'fingerprint'])
      .unique()
      .where(sql.ref('state'), '=', 'firing')
      .execute();
    await db.schema.createIndex('alerts_by_state').on('alerts').columns(['state', 'fired_at_ms']).execute();
    await db.schema.createIndex('alerts_by_rule').on('alerts').columns(['rule_id', 'fired_at_ms']).execute();
    await db.schema.createIndex('alerts_by_resolved').on('alerts').column('resolved_at_ms').execute();
    await db.schema
      .createTable('alert_rules')
      .addColumn('rule_key', 'text', (column) => column.primaryKey())
      .addColumn('rule_id', 'text', (column) => column.notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('file', 'text', (column) => column.notNull())
      .addColumn('group_name', 'text', (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('expr', 'text', (column) => column.notNull())
      .addColumn('hash', 'text', (column) => column.notNull())
      .addColumn('loaded_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('removed_at_ms', 'bigint')
      .execute();
    await db.schema
      .createTable('alert_rule_state')
      .addColumn('rule_key', 'text', (column) => column.notNull())
      .addColumn('fingerprint', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('labels', 'text', (column) => column.notNull())
      .addColumn('source_labels', 'text', (column) => column.notNull())
      .addColumn('value', 'text', (column) => column.notNull())
      .addColumn('active_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('missed_since_ms', 'bigint')
      .addColumn('evaluated_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('traceparent', 'text')
      .addPrimaryKeyConstraint('alert_rule_state_key', ['rule_key', 'fingerprint'])
      .execute();
  },
  async down(db) {
    await db.schema.dropTable('alert_rule_state').execute();
    await db.schema.dropTable('alert_rules').execute();
    await db.schema.dropTable('alerts').execute();
  },
};

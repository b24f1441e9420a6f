import { sql } from 'kysely';
import type { Migration, MigrationStep } from '../migration.ts';

/** Rules that were removed are found by their age; pages of open anomalies walk those alone, all or of one metric. */
const state: MigrationStep = {
  async up(db) {
    await db.schema
      .createIndex('alert_rules_removed')
      .on('alert_rules')
      .column('removed_at_ms')
      .where(sql.ref('removed_at_ms'), 'is not', null)
      .execute();
    const open = db.schema.createIndex('monitor_anomalies_open_by_time').on('monitor_anomalies');
    await open.columns(['detected_at_ms', 'id']).where(sql.ref('state'), '=', 'open').execute();
    const ofMetric = db.schema.createIndex('monitor_anomalies_open_by_metric').on('monitor_anomalies');
    await ofMetric
      .columns(['metric_name', 'detected_at_ms', 'id'])
      .where(sql.ref('state'), '=', 'open')
      .execute();
  },
  async down(db) {
    await db.schema.dropIndex('monitor_anomalies_open_by_metric').execute();
    await db.schema.dropIndex('monitor_anomalies_open_by_time').execute();
    await db.schema.dropIndex('alert_rules_removed').execute();
  },
};

export const removedRules: Migration = { name: '023_removed_rules', state };

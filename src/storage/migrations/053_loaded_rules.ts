import { sql } from 'kysely';
import type { Migration, MigrationStep } from '../migration.ts';

/** A reload reads the rules that are loaded, however many were removed since. */
const state: MigrationStep = {
  async up(db) {
    await db.schema
      .createIndex('alert_rules_loaded')
      .on('alert_rules')
      .column('rule_key')
      .where(sql.ref('removed_at_ms'), 'is', null)
      .execute();
  },
  async down(db) {
    await db.schema.dropIndex('alert_rules_loaded').execute();
  },
};

export const loadedRules: Migration = { name: '053_loaded_rules', state };

import { sql } from 'kysely';
import type { Migration, MigrationStep } from '../migration.ts';

/** Alerts that others post: who holds them, and until when; and which of all that fire have a label set. */
const state: MigrationStep = {
  async up(db) {
    await db.schema.alterTable('alerts').addColumn('posted_claims', 'text').execute();
    await db.schema.alterTable('alerts').addColumn('posted_until_ms', 'bigint').execute();
    await db.schema.alterTable('alerts').addColumn('generator_url', 'text').execute();
    await db.schema
      .createIndex('alerts_posted')
      .on('alerts')
      .column('posted_until_ms')
      .where(sql.ref('posted_until_ms'), 'is not', null)
      .execute();
    await db.schema
      .createIndex('alerts_firing_labels')
      .on('alerts')
      .column('fingerprint')
      .where(sql.ref('state'), '=', sql.lit('firing'))
      .execute();
  },
  async down(db) {
    await db.schema.dropIndex('alerts_firing_labels').execute();
    await db.schema.dropIndex('alerts_posted').execute();
    await db.schema.alterTable('alerts').dropColumn('generator_url').execute();
    await db.schema.alterTable('alerts').dropColumn('posted_until_ms').execute();
    await db.schema.alterTable('alerts').dropColumn('posted_claims').execute();
  },
};

export const postedAlerts: Migration = { name: '071_posted_alerts', state };

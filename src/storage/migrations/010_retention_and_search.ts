import { sql } from 'kysely';
import type { Migration, MigrationStep } from '../migration.ts';

/** Indexes for what is deleted for its age: the time at which a row ended, without the rows that go on. */
const state: MigrationStep = {
  async up(db) {
    await db.schema
      .createIndex('remediations_by_end')
      .on('remediations')
      .column('ended_at_ms')
      .where('ended_at_ms', 'is not', null)
      .execute();
    await db.schema
      .createIndex('access_sessions_by_expiry')
      .on('access_sessions')
      .column('expires_at_ms')
      .execute();
    await db.schema.createIndex('login_links_by_expiry').on('login_links').column('expires_at_ms').execute();
    // Asked by the foreign key whenever a token goes.
    await db.schema.createIndex('login_links_by_token').on('login_links').column('token_id').execute();
    await db.schema
      .createIndex('access_tokens_by_revocation')
      .on('access_tokens')
      .column('revoked_at_ms')
      .where('revoked_at_ms', 'is not', null)
      .execute();
  },
  async down(db) {
    for (const index of [
      'access_tokens_by_revocation',
      'login_links_by_token',
      'login_links_by_expiry',
      'access_sessions_by_expiry',
      'remediations_by_end',
    ]) {
      await db.schema.dropIndex(index).execute();
    }
  },
};

/** The spans of a service, and those that failed, by time: a search walks one index from the newest on. */
const telemetry: MigrationStep = {
  async up(db) {
    await db.schema
      .createIndex('trace_spans_by_service')
      .on('trace_spans')
      .columns(['service_name', 'start_us'])
      .execute();
    await db.schema
      .createIndex('trace_spans_failed')
      .on('trace_spans')
      .column('start_us')
      .where(sql.ref('status'), '=', sql.lit('error'))
      .execute();
  },
  async down(db) {
    await db.schema.dropIndex('trace_spans_failed').execute();
    await db.schema.dropIndex('trace_spans_by_service').execute();
  },
};

export const retentionAndSearch: Migration = { name: '010_retention_and_search', state, telemetry };

import type { Migration, MigrationStep } from '../migration.ts';

/** Messages beyond the rate limit of their receiver: held until their window ends, then part of a digest. */
const state: MigrationStep = {
  async up(db) {
    await db.schema.alterTable('notifications').addColumn('held_until_ms', 'bigint').execute();
    await db.schema.alterTable('notifications').addColumn('digest_id', 'text').execute();
    await db.schema
      .createTable('notification_rate_windows')
      .addColumn('integration', 'text', (column) => column.primaryKey())
      .addColumn('began_at_ms', 'bigint', (column) => column.notNull())
      .addColumn('sent', 'integer', (column) => column.notNull())
      .execute();
  },
  async down(db) {
    await db.schema.dropTable('notification_rate_windows').execute();
    await db.schema.alterTable('notifications').dropColumn('digest_id').execute();
    await db.schema.alterTable('notifications').dropColumn('held_until_ms').execute();
  },
};

export const digests: Migration = { name: '076_digests', state };

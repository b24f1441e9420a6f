import type { Migration, MigrationStep } from '../migration.ts';

/**
 * Which address each integration reaches, as a digest: one that goes by another name is known again. And of a mail that some of its
 * recipients have taken, who they are.
 */
const state: MigrationStep = {
  async up(db) {
    await db.schema
      .createTable('notification_addresses')
      .addColumn('integration', 'text', (column) => column.primaryKey())
      .addColumn('address', 'text', (column) => column.notNull())
      .addColumn('gone_at_ms', 'bigint')
      .execute();
    await db.schema.alterTable('notifications').addColumn('taken_by', 'text').execute();
  },
  async down(db) {
    await db.schema.alterTable('notifications').dropColumn('taken_by').execute();
    await db.schema.dropTable('notification_addresses').execute();
  },
};

export const addressesAndRecipients: Migration = { name: '079_addresses_and_recipients', state };

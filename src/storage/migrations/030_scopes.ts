import { sql } from 'kysely';
import type { Migration, MigrationStep } from '../migration.ts';

/** Whose tasks and agents are whose: what a token may read, repeat and how many agents it has follow from it. */
const state: MigrationStep = {
  async up(db) {
    await db.schema.alterTable('tasks').addColumn('enqueued_by', 'text').execute();
    await db.schema.alterTable('agents').addColumn('registered_by', 'text').execute();
    await db.schema
      .createIndex('agents_of_token')
      .on('agents')
      .column('registered_by')
      .where(sql.ref('registered_by'), 'is not', null)
      .execute();
  },
  async down(db) {
    await db.schema.dropIndex('agents_of_token').execute();
    await db.schema.alterTable('agents').dropColumn('registered_by').execute();
    await db.schema.alterTable('tasks').dropColumn('enqueued_by').execute();
  },
};

export const scopes: Migration = { name: '030_scopes', state };

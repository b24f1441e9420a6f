import { sql } from 'kysely';
import type { Migration, MigrationStep } from '../migration.ts';

/**
 * What people are told: what the last holder of a parked task put out, for its output may be gone before somebody looks, and
 * what each guard saw when a step of a remediation began (rows from before say neither). What relapsed is found without a
 * walk over all remediations.
 */
const state: MigrationStep = {
  async up(db) {
    await db.schema.alterTable('tasks').addColumn('last_output', 'text').execute();
    await db.schema.alterTable('watchdog_actions').addColumn('passed_guards', 'text').execute();
    await db.schema
      .createIndex('remediations_relapsed')
      .on('remediations')
      .column('id')
      .where(sql.ref('outcome'), '=', 'relapsed')
      .execute();
  },
  async down(db) {
    await db.schema.dropIndex('remediations_relapsed').execute();
    await db.schema.alterTable('watchdog_actions').dropColumn('passed_guards').execute();
    await db.schema.alterTable('tasks').dropColumn('last_output').execute();
  },
};

export const toldToPeople: Migration = { name: '037_told_to_people', state };

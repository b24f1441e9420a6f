import { sql } from 'kysely';
import type { Migration, MigrationStep } from '../migration.ts';

const TIMED = ['remediations', 'watchdog_actions'] as const;

/**
 * A remediation knows how often its lineage (policy and target) has tried, on what evidence it acted, and the last output
 * of a process that did not come up. Its durations count on the boot clock; rows from before go by wall time.
 */
const state: MigrationStep = {
  async up(db) {
    for (const table of TIMED) {
      await db.schema.alterTable(table).addColumn('boot_id', 'text').execute();
      await db.schema.alterTable(table).addColumn('boot_ms', 'bigint').execute();
    }
    await db.schema
      .alterTable('remediations')
      .addColumn('attempts', 'integer', (column) => column.notNull().defaultTo(0))
      .execute();
    await db.schema.alterTable('remediations').addColumn('evidence', 'text').execute();
    await db.schema.alterTable('remediations').addColumn('last_output', 'text').execute();
    // Each step that was started was an attempt.
    await sql`UPDATE remediations SET attempts = step + 1 WHERE step_started_at_ms IS NOT NULL`.execute(db);
    await db.schema
      .createIndex('watchdog_actions_by_boot')
      .on('watchdog_actions')
      .columns(['boot_id', 'boot_ms'])
      .execute();
  },
  async down(db) {
    await db.schema.dropIndex('watchdog_actions_by_boot').execute();
    for (const column of ['last_output', 'evidence', 'attempts']) {
      await db.schema.alterTable('remediations').dropColumn(column).execute();
    }
    for (const table of TIMED) {
      await db.schema.alterTable(table).dropColumn('boot_ms').execute();
      await db.schema.alterTable(table).dropColumn('boot_id').execute();
    }
  },
};

export const proofOfRepair: Migration = { name: '026_proof_of_repair', state };

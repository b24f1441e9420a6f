import { sql } from 'kysely';
import type { Migration, MigrationStep } from '../migration.ts';

const COUNTED = ['remediations', 'watchdog_actions'] as const;

/**
 * A step knows whether it repairs what is certainly ill: such steps have a rate of their own, and no other budget. A task
 * knows who lost it last: one that ends its holders explains the next one's end, which is no failed repair.
 */
const state: MigrationStep = {
  async up(db) {
    for (const table of COUNTED) {
      // Steps from before counted in the one budget that there was.
      await db.schema
        .alterTable(table)
        .addColumn('certain', 'integer', (column) => column.notNull().defaultTo(0))
        .execute();
    }
    await db.schema.alterTable('tasks').addColumn('lost_by', 'text').execute();
    // What acted and has no attempt is, from now on, what a task explained; none of these was, and each counts for its lineage.
    await sql`UPDATE remediations SET attempts = 1 WHERE attempts = 0 AND step_started_at_ms IS NOT NULL`.execute(
      db,
    );
  },
  async down(db) {
    await db.schema.alterTable('tasks').dropColumn('lost_by').execute();
    for (const table of COUNTED) await db.schema.alterTable(table).dropColumn('certain').execute();
  },
};

export const explainedEnds: Migration = { name: '035_explained_ends', state };

import { sql } from 'kysely';
import type { Migration, MigrationStep } from '../migration.ts';

/**
 * What acted on one target for one policy is numbered in its order. Which one was the last is what the cooldown and the
 * attempts go by: by the time of its end a clock that was set back made an earlier one the last.
 */
const state: MigrationStep = {
  async up(db) {
    await db.schema
      .alterTable('remediations')
      .addColumn('lineage_order', 'integer', (column) => column.notNull().defaultTo(0))
      .execute();
    // Those that have not ended come last.
    await sql`
      UPDATE remediations SET lineage_order = numbered.place
      FROM (
        SELECT id, row_number() OVER (
          PARTITION BY policy, target_kind, target_id ORDER BY ended_at_ms IS NULL, ended_at_ms, id
        ) AS place
        FROM remediations WHERE step_started_at_ms IS NOT NULL
      ) AS numbered
      WHERE numbered.id = remediations.id`.execute(db);
    await db.schema.dropIndex('remediations_by_last_end').execute();
    await db.schema
      .createIndex('remediations_in_lineage')
      .on('remediations')
      .columns(['policy', 'target_kind', 'target_id', 'lineage_order'])
      .where(sql.ref('step_started_at_ms'), 'is not', null)
      .execute();
  },
  async down(db) {
    await db.schema.dropIndex('remediations_in_lineage').execute();
    await db.schema
      .createIndex('remediations_by_last_end')
      .on('remediations')
      .columns(['policy', 'target_kind', 'target_id', 'ended_at_ms'])
      .where(sql.ref('step_started_at_ms'), 'is not', null)
      .execute();
    await db.schema.alterTable('remediations').dropColumn('lineage_order').execute();
  },
};

export const lineageOrder: Migration = { name: '041_lineage_order', state };

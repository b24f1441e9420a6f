import { sql } from 'kysely';
import type { Migration, MigrationStep } from '../migration.ts';

/**
 * What a decision and a page of the API ask of the history of remediations is found by an index, however
 * long that history is. Lists go by id, which sorts by the time of planning. An alert keeps the operator of its
 * rule's comparison: whether a lower or a higher value is worse.
 */
const state: MigrationStep = {
  async up(db) {
    await db.schema.alterTable('alerts').addColumn('comparison', 'text').execute();
    await db.schema.dropIndex('remediations_by_state').execute();
    await db.schema.dropIndex('remediations_by_policy').execute();
    const pages = [
      ['remediations_by_state', ['state', 'id']],
      ['remediations_by_policy', ['policy', 'id']],
      ['remediations_by_target', ['target_id', 'id']],
    ] as const;
    for (const [name, columns] of pages) {
      await db.schema
        .createIndex(name)
        .on('remediations')
        .columns([...columns])
        .execute();
    }
    await db.schema
      .createIndex('remediations_by_last_end')
      .on('remediations')
      .columns(['policy', 'target_kind', 'target_id', 'ended_at_ms'])
      .where(sql.ref('step_started_at_ms'), 'is not', null)
      .execute();
    await db.schema
      .createIndex('watchdog_actions_by_start')
      .on('watchdog_actions')
      .column('intended_at_ms')
      .execute();
  },
  async down(db) {
    for (const name of [
      'watchdog_actions_by_start',
      'remediations_by_last_end',
      'remediations_by_target',
      'remediations_by_policy',
      'remediations_by_state',
    ]) {
      await db.schema.dropIndex(name).execute();
    }
    await db.schema
      .createIndex('remediations_by_state')
      .on('remediations')
      .columns(['state', 'planned_at_ms'])
      .execute();
    await db.schema
      .createIndex('remediations_by_policy')
      .on('remediations')
      .columns(['policy', 'step_started_at_ms'])
      .execute();
    await db.schema.alterTable('alerts').dropColumn('comparison').execute();
  },
};

export const remediationHistory: Migration = { name: '011_remediation_history', state };

import { sql } from 'kysely';
import type { Migration, MigrationStep } from '../migration.ts';

const state: MigrationStep = {
  async up(db) {
    await db.schema.dropIndex('tasks_queue').execute();
    await db.schema.dropIndex('tasks_phase_queue').execute();
    // A claim looks at the front of each lane that it takes from, and at nothing else; finished tasks are in neither.
    await db.schema
      .createIndex('tasks_lane')
      .on('tasks')
      .columns(['pool_id', 'phase_id', 'task_type', 'priority desc', 'queue_order'])
      .where(sql.ref('state'), '=', 'queued')
      .execute();
    await db.schema
      .createIndex('tasks_phase_lane')
      .on('tasks')
      .columns(['pool_id', 'phase_id', 'priority desc', 'queue_order'])
      .where(sql.ref('state'), '=', 'queued')
      .execute();
    await db.schema
      .createIndex('tasks_kept')
      .on('tasks')
      .columns(['kept_for_agent_id', 'priority desc', 'queue_order'])
      .where(sql.ref('kept_for_agent_id'), 'is not', null)
      .execute();
  },
  async down(db) {
    for (const index of ['tasks_kept', 'tasks_phase_lane', 'tasks_lane']) {
      await db.schema.dropIndex(index).execute();
    }
    await db.schema
      .createIndex('tasks_queue')
      .on('tasks')
      .columns(['priority desc', 'queue_order'])
      .where(sql.ref('state'), '=', 'queued')
      .execute();
    await db.schema
      .createIndex('tasks_phase_queue')
      .on('tasks')
      .columns(['phase_id', 'priority desc', 'queue_order'])
      .where(sql.ref('state'), '=', 'queued')
      .execute();
  },
};

export const fleetLanes: Migration = { name: '013_fleet_lanes', state };

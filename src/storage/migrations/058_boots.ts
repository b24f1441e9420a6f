import type { Migration, MigrationStep } from '../migration.ts';

const TASK_TIMES = { since_ms: 'bigint', since_boot_ms: 'bigint', since_boot_id: 'text' } as const;

/**
 * The boots in which the state was worked on: durations of another boot stood still while the wall clock was behind their start.
 * And since when a task is held, or waits for its time, on both clocks: a step of the wall clock while the server was down made a
 * claim's time limit and a retry's pause shorter or longer.
 */
const state: MigrationStep = {
  async up(db) {
    await db.schema
      .createTable('state_boots')
      .addColumn('boot_no', 'bigint', (column) => column.primaryKey())
      .addColumn('boot_id', 'text', (column) => column.notNull())
      .addColumn('boot_ms', 'bigint', (column) => column.notNull())
      .addColumn('wall_ms', 'bigint', (column) => column.notNull())
      .execute();
    for (const [column, type] of Object.entries(TASK_TIMES))
      await db.schema.alterTable('tasks').addColumn(column, type).execute();
  },
  async down(db) {
    for (const column of Object.keys(TASK_TIMES))
      await db.schema.alterTable('tasks').dropColumn(column).execute();
    await db.schema.dropTable('state_boots').execute();
  },
};

export const boots: Migration = { name: '058_boots', state };

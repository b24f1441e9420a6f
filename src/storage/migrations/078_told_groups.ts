import type { Migration, MigrationStep } from '../migration.ts';

const COLUMNS = ['group_key', 'group_labels', 'route_labels'] as const;

/**
 * Under which group key and labels each integration was told of a group: where a reload has taken the group away, what was opened
 * under its key is closed under it. Null where nothing says it any more.
 */
const state: MigrationStep = {
  async up(db) {
    for (const column of COLUMNS) {
      await db.schema.alterTable('notification_log').addColumn(column, 'text').execute();
    }
    const newest = db
      .selectFrom('notifications')
      .select(({ fn }) => fn.max('id').as('id'))
      .groupBy('group_id');
    await db
      .updateTable('notification_log')
      .from(
        db
          .selectFrom('notifications')
          .select(['group_id', ...COLUMNS])
          .where('id', 'in', newest)
          .as('told'),
      )
      .set((row) => ({
        group_key: row.ref('told.group_key'),
        group_labels: row.ref('told.group_labels'),
        route_labels: row.ref('told.route_labels'),
      }))
      .whereRef('told.group_id', '=', 'notification_log.group_id')
      .execute();
  },
  async down(db) {
    for (const column of COLUMNS.toReversed()) {
      await db.schema.alterTable('notification_log').dropColumn(column).execute();
    }
  },
};

export const toldGroups: Migration = { name: '078_told_groups', state };

import { sql } from 'kysely';
import type { Migration, MigrationStep } from '../migration.ts';

/**
 * What is queued or claimed is listed in its order without a walk over what is done; an agent's live tokens are found
 * by the beginning of their names, also where PostgreSQL orders texts by a language.
 */
const state: MigrationStep = {
  async up(db, dialect) {
    await db.schema
      .createIndex('tasks_unfinished')
      .on('tasks')
      .columns(['queue_order', 'task_id'])
      .where(sql.ref('finished_at_ms'), 'is', null)
      .execute();
    if (dialect !== 'postgres') return;
    await sql`create index access_tokens_live_name_bytes on access_tokens (name collate "C")
      where revoked_at_ms is null`.execute(db);
  },
  async down(db, dialect) {
    if (dialect === 'postgres') await db.schema.dropIndex('access_tokens_live_name_bytes').execute();
    await db.schema.dropIndex('tasks_unfinished').execute();
  },
};

export const unfinishedTasks: Migration = { name: '019_unfinished_tasks', state };

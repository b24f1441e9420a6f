import type { StateDatabase } from './database.ts';

/**
 * How many reads another one gets answered, one after the other, while a work goes on: one for each statement of the
 * work, if both read in turn. For tests.
 */
export async function readsDuring(database: StateDatabase, work: Promise<unknown>): Promise<number> {
  const progress = { isOver: false, reads: 0 };
  const over = work.finally(() => {
    progress.isOver = true;
  });
  while (!progress.isOver) {
    await database.reader.selectFrom('agents').select('agent_id').limit(1).execute();
    progress.reads++;
  }
  await over;
  return progress.reads;
}

import { afterEach, beforeEach, expect, it } from 'vitest';
import { VirtualClock } from '#telemetry';
import type { StateDatabase, StateTransaction } from './database.ts';
import { openTestStateDatabase } from './test-databases.ts';
import { transactUnanswered } from './unanswered-commit.test-support.ts';

let database: StateDatabase;
let called: string[];
beforeEach(async () => {
  database = await openTestStateDatabase(new VirtualClock());
  called = [];
});
afterEach(() => database.close());

async function addCursor(tx: StateTransaction): Promise<void> {
  tx.afterCommit(() => called.push('committed'));
  tx.afterRollback(() => called.push('rolled back'));
  await tx.db
    .insertInto('event_cursors')
    .values({ consumer: 'a', last_event_id: 1, updated_at_ms: 0 })
    .execute();
}

const countCursors = async () =>
  (await database.reader.selectFrom('event_cursors').selectAll().execute()).length;

it('is written, and told as rolled back', async () => {
  await expect(transactUnanswered(database, addCursor)).rejects.toMatchObject({ code: 'database_failed' });
  expect(called).toEqual(['rolled back']);
  expect(await countCursors()).toBe(1);
});

it('tells its effects, too, where it fails by itself', async () => {
  const failing = transactUnanswered(database, async (tx) => {
    await addCursor(tx);
    throw new Error('out of luck');
  });
  await expect(failing).rejects.toThrow('out of luck');
  expect(called).toEqual(['rolled back']);
  expect(await countCursors()).toBe(0);
});

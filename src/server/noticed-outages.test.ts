import { afterEach, expect, it } from 'vitest';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { OmoiError, VirtualClock } from '#telemetry';
import { noticeOutages } from './noticed-outages.ts';

let opened: StateDatabase | null = null;
afterEach(() => opened?.close());

it.each<[string, Error, readonly string[]]>([
  ['a disk that fails', new OmoiError('database_failed', 'I/O'), ['I/O']],
  ['a full disk', new OmoiError('storage_full', 'full'), ['full']],
  ['a refusal', new OmoiError('unknown_pool', 'no'), []],
  ['a mistake', new Error('oops'), []],
])('tells of %s, and throws it on', async (_what, thrown, told) => {
  opened = await openTestStateDatabase(new VirtualClock(), 'none');
  const reasons: string[] = [];
  const database = noticeOutages(opened, (reason) => reasons.push(reason));
  await expect(database.transaction(() => Promise.reject(thrown))).rejects.toBe(thrown);
  expect(await database.transaction(async () => 'done')).toBe('done');
  expect(reasons).toEqual(told);
});

import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { OmoiError, VirtualClock } from '#telemetry';
import { StateWrites } from './state-writes.ts';

let clock: VirtualClock;
let opened: StateDatabase;
let writes: StateWrites;
let database: StateDatabase;

beforeEach(async () => {
  clock = new VirtualClock();
  opened = await openTestStateDatabase(clock, 'none');
  writes = new StateWrites(clock);
  database = writes.watch(opened);
});
afterEach(() => opened.close());

const fail = (thrown: Error) =>
  expect(database.transaction(() => Promise.reject(thrown))).rejects.toBe(thrown);

it('knows of a full disk until something can be written again', async () => {
  expect(writes.failure).toBeNull();
  await fail(new OmoiError('storage_full', 'the disk is full'));
  expect(writes.failure).toBe('the disk is full');
  await clock.advance(59_999);
  expect(writes.failure).toBe('the disk is full');
  await database.transaction(async () => {});
  expect(writes.failure).toBeNull();
});

it('forgets a failure where nobody has tried since', async () => {
  await fail(new OmoiError('database_failed', 'I/O'));
  await clock.advance(60_000);
  expect(writes.failure).toBeNull();
});

it('takes a refusal for none', async () => {
  await fail(new OmoiError('unknown_pool', 'no'));
  expect(writes.failure).toBeNull();
});

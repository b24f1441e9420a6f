import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { OmoiError, silentLogger, VirtualClock, type Logger } from '#telemetry';
import { StateWrites } from './state-writes.ts';

let clock: VirtualClock;
let opened: StateDatabase;
let writes: StateWrites;
let database: StateDatabase;
let away: { readonly sinceMonotonicMs: number; readonly reason: string } | null;
let lines: object[];
let partLogger: Logger;

beforeEach(async () => {
  clock = new VirtualClock();
  opened = await openTestStateDatabase(clock, 'none');
  away = null;
  lines = [];
  const note = (fields: object, message: string): void => void lines.push({ ...fields, message });
  const logger: Logger = { ...silentLogger, info: note, warn: note, error: note };
  const leadership = {
    get outage() {
      return away;
    },
  };
  writes = new StateWrites({ clock, logger, leadership });
  partLogger = writes.withoutRepetitions(logger);
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

const write = () => database.transaction(async () => {});

it('tells an outage in one line and its end in another, whatever single parts say of it', async () => {
  await fail(new OmoiError('database_failed', 'refused'));
  for (let tries = 0; tries < 100; tries++) {
    await fail(new OmoiError('database_failed', 'away'));
    partLogger.warn({ error: 'away', tries }, 'Not written; tried again.');
    await clock.advance(200);
  }
  partLogger.error({ error: 'another fault' }, 'This is told.');
  partLogger.info({ error: 'away' }, 'This is told, too.');
  await clock.advance(1000);
  await write();
  partLogger.warn({ error: 'away' }, 'Not written; tried again.');
  expect(lines).toEqual([
    expect.objectContaining({
      error: 'refused',
      message: expect.stringMatching(/^The state can’t be written/),
    }),
    { error: 'another fault', message: 'This is told.' },
    { error: 'away', message: 'This is told, too.' },
    { away_ms: 21_000, failures: 101, lines_left_out: 100, message: 'The state can be written again.' },
    { error: 'away', message: 'Not written; tried again.' },
  ]);
});

it('is not over by what had been begun before it, nor while the database is known to be away', async () => {
  await fail(new OmoiError('database_failed', 'away'));
  await write();
  expect(writes.failure).toBe('away');
  await clock.advance(2000);
  away = { sinceMonotonicMs: 0, reason: 'refused' };
  await write();
  expect(writes.failure).toBe('away');
  away = null;
  await write();
  expect(writes.failure).toBeNull();
});

it('tells an outage by whoever is refused first, also one who only reads', async () => {
  away = { sinceMonotonicMs: clock.monotonicMs(), reason: 'timeout' };
  partLogger.warn({ error: 'PostgreSQL: Connection terminated' }, 'Not read; tried again.');
  partLogger.warn({ error: 'another fault' }, 'This is told.');
  await fail(new OmoiError('database_failed', 'PostgreSQL is away: timeout'));
  partLogger.warn({ error: 'PostgreSQL is away: timeout' }, 'Not written; tried again.');
  expect(lines).toEqual([
    expect.objectContaining({ message: expect.stringMatching(/^The state can’t be written/) }),
    { error: 'another fault', message: 'This is told.' },
  ]);
});

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLogger, VirtualClock } from '#telemetry';
import type { StateDatabase } from '../database.ts';
import { openStateDatabase } from '../open.ts';
import { backUpState } from './state-backup.ts';

let root: string;
const open = (directory: string): Promise<StateDatabase> =>
  openStateDatabase({ directory, clock: new VirtualClock(), logger: silentLogger, role: 'server' });
const addCursor = (database: StateDatabase, consumer: string): Promise<unknown> =>
  database.transaction((tx) =>
    tx.db.insertInto('event_cursors').values({ consumer, last_event_id: 7, updated_at_ms: 0 }).execute(),
  );
const consumersIn = async (database: StateDatabase): Promise<readonly string[]> => {
  const rows = await database.reader
    .selectFrom('event_cursors')
    .select('consumer')
    .orderBy('consumer')
    .execute();
  return rows.map(({ consumer }) => consumer);
};

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'omoi-backup-'));
  mkdirSync(join(root, 'data'));
  mkdirSync(join(root, 'restored'));
});
afterEach(() => rmSync(root, { recursive: true }));

it('what was committed when it was made is in it, and nothing later; the server goes on meanwhile', async () => {
  const running = await open(join(root, 'data'));
  await addCursor(running, 'before');
  const file = join(root, 'restored/state.sqlite');
  expect(backUpState(join(root, 'data'), file)).toBe(statSync(file).size);
  await addCursor(running, 'later');
  expect(await consumersIn(running)).toEqual(['before', 'later']);
  await running.close();
  expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
  expect(readdirSync(join(root, 'restored'))).toEqual(['state.sqlite']);

  const restored = await open(join(root, 'restored'));
  expect(await consumersIn(restored)).toEqual(['before']);
  await restored.close();
});

it.each<[string, () => void, RegExp]>([
  ['there is no state', () => {}, /there is no state in .*data.*pg_dump/],
  [
    'the file is there',
    () => {
      writeFileSync(join(root, 'data/state.sqlite'), '');
      writeFileSync(join(root, 'copy'), 'mine');
    },
    /copy is there already/,
  ],
  [
    'the state is no database',
    () => writeFileSync(join(root, 'data/state.sqlite'), 'x'.repeat(8192)),
    /copy could not be written: .*not a database/,
  ],
])('is refused where %s, and leaves nothing behind', (_why, prepare, message) => {
  prepare();
  const there = existsSync(join(root, 'copy'));
  expect(() => backUpState(join(root, 'data'), join(root, 'copy'))).toThrow(message);
  expect(existsSync(join(root, 'copy'))).toBe(there);
  expect(existsSync(join(root, 'copy.unfinished'))).toBe(false);
});

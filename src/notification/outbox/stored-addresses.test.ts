import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { createSeededRandom, silentLogger, VirtualClock } from '#telemetry';
import { RecordingReceiver } from '../notification.test-support.ts';
import { addressesOf, type KnownAddress } from './former-integrations.ts';
import { StoredAddresses } from './stored-addresses.ts';

let clock: VirtualClock;
let database: StateDatabase;
let isAway: boolean;

beforeEach(async () => {
  clock = new VirtualClock();
  database = await openTestStateDatabase(clock, 'none');
  isAway = false;
});
afterEach(() => database.close());

const opened = (): StoredAddresses =>
  new StoredAddresses({
    clock,
    random: createSeededRandom(1),
    logger: silentLogger,
    database: {
      ...database,
      transaction: (work, options) =>
        isAway ? Promise.reject(new Error('away')) : database.transaction(work, options),
    },
  });

const known = (...keys: readonly string[]): readonly KnownAddress[] =>
  keys.map((key) => ({ key, address: `address of ${key}` }));
const read = async (): Promise<readonly string[]> => (await opened().read()).map(({ key }) => key);

it('knows what was in force last, behind what had gone before, in the order in which that went', async () => {
  const stored = opened();
  stored.keep(known('c', 'b', 'a'), []);
  await clock.advance(1000);
  stored.keep(known('a', 'b'), known('c'));
  await clock.advance(1000);
  stored.keep(known('a'), known('c', 'b'));
  await clock.advance(1000);
  expect(await read()).toEqual(['c', 'b', 'a']);
  // There again it is in force, and what is forgotten has no row.
  stored.keep(known('a', 'c'), []);
  await clock.advance(1000);
  expect(await read()).toEqual(['a', 'c']);
  await stored.stop();
});

it('writes what the database could not take as soon as it can', async () => {
  const stored = opened();
  isAway = true;
  stored.keep(known('a'), []);
  await clock.advance(5000);
  stored.keep(known('b'), known('a'));
  expect(await read()).toEqual([]);
  isAway = false;
  await clock.advance(20_000);
  expect(await read()).toEqual(['a', 'b']);
  await stored.stop();
});

it.each([200, 201])('writes and removes %i at once', async (count) => {
  const stored = opened();
  const keys = Array.from({ length: count }, (_, at) => `k${at}`);
  stored.keep(known(...keys), []);
  await clock.advance(1);
  expect(await read()).toHaveLength(count);
  stored.keep([], []);
  await clock.advance(1);
  expect(await read()).toEqual([]);
  await stored.stop();
});

it('holds no secret of an address', async () => {
  const stored = opened();
  const settings = { url: 'https://hooks.example/SECRET-token' };
  const key = 'ada/webhook/0';
  stored.keep(addressesOf([{ key, integration: new RecordingReceiver(), settings }]), []);
  await clock.advance(1);
  const rows = await database.reader.selectFrom('notification_addresses').selectAll().execute();
  expect(rows).toHaveLength(1);
  expect(JSON.stringify(rows)).not.toMatch(/SECRET|hooks/);
  await stored.stop();
});

import type { KyselyPlugin } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTestTelemetryDatabase, type TelemetryDatabase } from '#storage';
import { OmoiError, SampleBatch, SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import { createTsdb, type Tsdb } from './index.ts';

const HOUR_MS = 3_600_000;
const limits = { headWindowMs: HOUR_MS, retentionMs: 10 * HOUR_MS };
/** Three groups that are moved together. */
const SERIES = 1250;

let clock: VirtualClock;
let database: TelemetryDatabase;
let tsdb: Tsdb;
/** What the next insertions fail with. */
let failure: () => Error | null;
let insertions: number;

const INSERTION = /^\s*insert into tsdb_/u;
/** Fails what is inserted, so that moving to the archive fails and retention does not. */
const failing: KyselyPlugin = {
  transformQuery({ node }) {
    const isInsertion = node.kind === 'RawNode' && INSERTION.test(node.sqlFragments[0] ?? '');
    if (isInsertion) insertions++;
    const thrown = isInsertion ? failure() : null;
    if (thrown) throw thrown;
    return node;
  },
  transformResult: async ({ result }) => result,
};

beforeEach(async () => {
  clock = new VirtualClock();
  failure = () => null;
  insertions = 0;
  database = await openTestTelemetryDatabase(clock);
  const telemetryDatabase: TelemetryDatabase = {
    ...database,
    transaction: (work) => database.transaction((tx) => work({ ...tx, db: tx.db.withPlugin(failing) })),
  };
  const selfMetrics = new SelfMetrics();
  tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics, limits, telemetryDatabase });
});
afterEach(async () => {
  await tsdb.stop();
  await database.close();
});

function append(): void {
  const batch = new SampleBatch();
  for (let at = 0; at < SERIES; at++) {
    batch.add(tsdb.series({ __name__: 'm', at: String(at) }), clock.wallMs(), at);
  }
  const receivedMonotonicMs = clock.monotonicMs();
  tsdb.commit(batch, {
    source: 'collector',
    traceparent: null,
    receivedAtMs: clock.wallMs(),
    receivedMonotonicMs,
  });
}

const inMemory = async (): Promise<number> => (await tsdb.status()).seriesCount;
const archivedChunks = async (): Promise<number> =>
  (await database.reader.selectFrom('tsdb_chunks').select('series_id').execute()).length;

it('keeps the series that the archive refuses in memory, and moves the others', async () => {
  append();
  failure = () => new Error('cannot hold it');
  await clock.advance(4 * HOUR_MS);
  await tsdb.runMaintenance();
  expect([await inMemory(), await archivedChunks()]).toEqual([SERIES, 0]);
  let refused = 0;
  failure = () => (refused++ === 0 ? new Error('cannot hold it') : null);
  await tsdb.runMaintenance();
  expect([await inMemory(), await archivedChunks()]).toEqual([500, SERIES - 500]);
  await tsdb.runMaintenance();
  expect([await inMemory(), await archivedChunks()]).toEqual([0, SERIES]);
});

it('applies retention also while the archive takes nothing', async () => {
  append();
  await clock.advance(4 * HOUR_MS);
  await tsdb.runMaintenance();
  expect([await inMemory(), await archivedChunks()]).toEqual([0, SERIES]);
  failure = () => new OmoiError('database_failed', 'away');
  append();
  await clock.advance(7 * HOUR_MS);
  await tsdb.runMaintenance();
  expect([await inMemory(), await archivedChunks()]).toEqual([SERIES, 0]);
});

it('moves hundreds of series in a transaction of two statements, however many there are', async () => {
  append();
  await clock.advance(4 * HOUR_MS);
  await tsdb.runMaintenance();
  expect([await inMemory(), await archivedChunks()]).toEqual([0, SERIES]);
  expect(insertions).toBe(2 * Math.ceil(SERIES / 500));
});

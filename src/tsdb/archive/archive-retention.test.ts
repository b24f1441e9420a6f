import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTestTelemetryDatabase, type TelemetryDatabase } from '#storage';
import { METRIC_NAME_LABEL, SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import { DEFAULT_LIMITS } from '../limits.ts';
import { Archive, type ArchivedSeries } from './archive.ts';
import { KIND_FLOATS } from './chunk-bytes.ts';

const DAY_MS = 86_400_000;
const bytesOfChunk = 10;
let clock: VirtualClock;
let database: TelemetryDatabase;
let transactions: number;
let archive: Archive;

beforeEach(async () => {
  clock = new VirtualClock();
  database = await openTestTelemetryDatabase(clock);
  transactions = 0;
  archive = await Archive.open(
    {
      reader: database.reader,
      transaction(work) {
        transactions += 1;
        return database.transaction(work);
      },
    },
    { clock, logger: silentLogger, selfMetrics: new SelfMetrics() },
  );
});
afterEach(() => database.close());

const seriesAt = (at: number, endMs: number): ArchivedSeries => ({
  labels: { [METRIC_NAME_LABEL]: `m${at % 3}`, at: String(at) },
  sender: 'token:test',
  chunks: [
    { kind: KIND_FLOATS, minMs: endMs - 1000, maxMs: endMs, count: 1, bytes: new Uint8Array(bytesOfChunk) },
  ],
});

it('removes what is too old bit by bit, with the series that have nothing left', async () => {
  const nowMs = clock.wallMs();
  const old = Array.from({ length: 1000 }, (_, at) => seriesAt(at, nowMs - 2 * DAY_MS + at));
  const young = Array.from({ length: 5 }, (_, at) => seriesAt(at * 200, nowMs - at));
  await archive.store(old);
  await archive.store(young);
  expect(archive.totalBytes).toBe(1005 * bytesOfChunk);
  transactions = 0;
  await archive.retain(nowMs, { ...DEFAULT_LIMITS, retentionMs: DAY_MS });
  // Whoever waits for the database waits for a fifth of it.
  expect(transactions).toBeGreaterThanOrEqual(5);
  expect(archive.totalBytes).toBe(5 * bytesOfChunk);
  expect(archive.newestMs).toBe(nowMs);
  const left = await database.reader.selectFrom('tsdb_series').select('labels').orderBy('id').execute();
  expect(left.map(({ labels }) => labels)).toEqual(
    young.map(({ labels }) => JSON.stringify({ __name__: labels[METRIC_NAME_LABEL], at: labels['at'] })),
  );
  expect((await archive.reader.metricNames()).toSorted()).toEqual(['m0', 'm1', 'm2']);
});

it('forgets those who sent what is gone, once they are many, and nobody else', async () => {
  const nowMs = clock.wallMs();
  const from = (at: number, endMs: number) => ({ ...seriesAt(at, endMs), sender: `agent:${at}` });
  await archive.store(Array.from({ length: 11_000 }, (_, at) => from(at, nowMs - 2 * DAY_MS)));
  await archive.store([from(20_000, nowMs), from(20_001, nowMs), { ...from(20_003, nowMs), sender: null }]);
  expect([...archive.sendersOf('m0')].length).toBeGreaterThan(3000);
  await archive.retain(nowMs, { ...DEFAULT_LIMITS, retentionMs: DAY_MS });
  const left = [
    ['agent:20001', 'm0'],
    ['agent:20000', 'm2'],
    ['', 'm2'],
  ];
  expect(new Set(archive.sendersOf(null))).toEqual(new Set(left));
  for (const name of ['m0', 'm1', 'm2']) {
    const ofName = left.filter(([, metric]) => metric === name);
    expect(new Set(archive.sendersOf(name))).toEqual(new Set(ofName));
  }
});

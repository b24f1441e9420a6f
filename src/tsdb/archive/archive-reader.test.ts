import { CompiledQuery, type KyselyPlugin } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTestTelemetryDatabase, type TelemetryDatabase } from '#storage';
import {
  createMatcher,
  METRIC_NAME_LABEL,
  SelfMetrics,
  silentLogger,
  Stretch,
  VirtualClock,
} from '#telemetry';
import { Archive, type ArchivedSeries } from './archive.ts';
import { KIND_FLOATS } from './chunk-bytes.ts';

const samplesOfChunk = 50_000;
let clock: VirtualClock;
let database: TelemetryDatabase;
let archive: Archive;
/** How many chunks each statement answered. */
let chunksRead: number[];
let asked: CompiledQuery[];
/** Of how many series the labels were read. */
let labelsRead: number;

const noting: KyselyPlugin = {
  transformQuery({ node, queryId }) {
    asked.push(database.reader.getExecutor().compileQuery(node, queryId));
    return node;
  },
  async transformResult({ result }) {
    const chunks = result.rows.filter((row) => 'bytes' in row);
    if (chunks.length > 0) chunksRead.push(chunks.length);
    labelsRead += result.rows.filter((row) => typeof row['labels'] === 'string').length;
    return result;
  },
};

beforeEach(async () => {
  clock = new VirtualClock();
  database = await openTestTelemetryDatabase(clock);
  chunksRead = [];
  labelsRead = 0;
  asked = [];
  archive = await Archive.open(
    { reader: database.reader.withPlugin(noting), transaction: (work) => database.transaction(work) },
    { clock, logger: silentLogger, selfMetrics: new SelfMetrics() },
  );
});
afterEach(() => database.close());

/** Chunks one after the other, a second each. What they hold cannot be read, which is told and passed over. */
const seriesOf = (name: string, chunks: number): ArchivedSeries => ({
  labels: { [METRIC_NAME_LABEL]: 'm', name },
  sender: 'token:test',
  chunks: Array.from({ length: chunks }, (_, at) => ({
    kind: KIND_FLOATS,
    minMs: at * 1000,
    maxMs: at * 1000 + 999,
    count: samplesOfChunk,
    bytes: new Uint8Array(10),
  })),
});

async function namesIn(startMs: number, endMs: number, maxSamples?: number): Promise<readonly string[]> {
  const names: string[] = [];
  const matchers = [createMatcher(METRIC_NAME_LABEL, '=', 'm')];
  const interval = { startMs, endMs, ...(maxSamples !== undefined && { maxSamples }) };
  for await (const { labels } of archive.reader.select(matchers, interval, new Stretch(clock)))
    names.push(labels['name'] ?? '');
  return names;
}

it('answers no more samples at a time than a few megabytes, whatever all series have', async () => {
  const names = Array.from({ length: 1200 }, (_, at) => `s${at}`);
  await archive.store(names.map((name) => seriesOf(name, 2)));
  expect(await namesIn(0, 10_000)).toEqual(names);
  expect(chunksRead.reduce((sum, chunks) => sum + chunks)).toBe(2400);
  expect(Math.max(...chunksRead) * samplesOfChunk).toBe(500_000);
});

it('reads nothing for those who stop asking', async () => {
  await archive.store(Array.from({ length: 600 }, (_, at) => seriesOf(`s${at}`, 2)));
  for await (const _ of archive.reader.select([], { startMs: 0, endMs: 10_000 }, new Stretch(clock))) break;
  expect(chunksRead).toEqual([10]);
});

it('refuses one series of more samples than are kept before it reads them', async () => {
  await archive.store([seriesOf('long', 40), seriesOf('short', 1)]);
  await expect(namesIn(0, 40_000, 1_999_999)).rejects.toMatchObject({ code: 'query_limit' });
  expect(chunksRead).toEqual([]);
  expect(await namesIn(0, 40_000, 2_000_000)).toEqual(['long', 'short']);
  // Of a chunk that reaches out of the interval it is not known how much lies inside.
  expect(await namesIn(500, 39_500, 1_900_000)).toEqual(['long', 'short']);
  await expect(namesIn(500, 39_500, 1_899_999)).rejects.toMatchObject({ code: 'query_limit' });
});

it('reads no labels of series that have nothing in the interval, and stops for those who have gone', async () => {
  const old = Array.from({ length: 1200 }, (_, at) => seriesOf(`old-${at}`, 1));
  await archive.store([...old, seriesOf('young', 3)]);
  labelsRead = 0;
  expect(await namesIn(2000, 10_000)).toEqual(['young']);
  expect(labelsRead).toBe(1);
  const gone = new Stretch(clock, {
    afterPause: () => {
      throw new Error('nobody waits for it');
    },
  });
  await clock.advance(1000);
  const interval = { startMs: 50_000, endMs: 60_000 };
  const nothing = archive.reader.select([], interval, gone);
  await expect(nothing.next()).rejects.toThrow('nobody waits for it');
});

it('finds the series of several metrics without sorting what is left of them for each page', async () => {
  await archive.store([
    seriesOf('one', 1),
    { ...seriesOf('other', 1), labels: { [METRIC_NAME_LABEL]: 'n' } },
  ]);
  const named = (name: string) => [createMatcher(METRIC_NAME_LABEL, '=', name)];
  const found: string[] = [];
  asked = [];
  for await (const page of archive.reader.pagesOfSeries([named('n'), named('m')])) {
    for (const { labels } of page) found.push(labels[METRIC_NAME_LABEL] ?? '');
  }
  expect(found.toSorted()).toEqual(['m', 'n']);
  const plans = await Promise.all(
    asked.map(({ sql, parameters }) =>
      database.reader.executeQuery<{ detail: string }>(
        CompiledQuery.raw(`explain query plan ${sql}`, [...parameters]),
      ),
    ),
  );
  const steps = plans.flatMap(({ rows }) => rows.map(({ detail }) => detail));
  expect(new Set(steps)).toEqual(
    new Set(['SEARCH tsdb_series USING INDEX tsdb_series_metric_name (metric_name=? AND rowid>?)']),
  );
});

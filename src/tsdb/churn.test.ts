import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { SampleBatch, SelfMetrics, VirtualClock, createMatcher, nextTurn, silentLogger } from '#telemetry';
import { createTsdb } from './index.ts';
import { originOf } from './origin.test-support.ts';

const HOUR_MS = 3_600_000;
const WAVES = 10;
const SERIES_PER_WAVE = 20_000;
const MIB = 1024 * 1024;
const ORIGIN = originOf('remote_write');

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** What the process holds after everything that nobody refers to is gone. */
async function heldBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collect();
    // What a first collection finds to be unused is given back by the next.
    await nextTurn();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

test('200,000 series that came and went leave nothing', { timeout: 120_000 }, async () => {
  const clock = new VirtualClock();
  const selfMetrics = new SelfMetrics();
  const tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics });
  const numberOf = (name: string): number =>
    selfMetrics.collect().find((metric) => metric.name === name)?.points[0]?.value ?? Number.NaN;
  const heard = { series: 0 };
  tsdb.onAppend([createMatcher('pod', '=~', '.*7')], (notice) => (heard.series += 10 * notice.refs.length));
  tsdb.onForgotten((seriesCount) => (heard.series -= seriesCount));
  const batch = new SampleBatch();
  const append = (labels: Record<string, string>) => batch.add(tsdb.series(labels), clock.wallMs(), 1);
  const stays = () => {
    append({ __name__: 'stays', pod: 'stays' });
    tsdb.commit(batch, ORIGIN);
    batch.clear();
  };
  const wave = async (number: number) => {
    for (let at = 0; at < SERIES_PER_WAVE; at++) {
      append({ __name__: `m_${at % 20}`, pod: `pod-${number}-${at}`, [`label_${number}`]: 'a' });
    }
    expect(tsdb.commit(batch, ORIGIN).accepted).toBe(SERIES_PER_WAVE);
    batch.clear();
    clock.stepWallClock(5 * HOUR_MS);
    stays();
    // Seals, drops, and forgets what nobody wants any more.
    for (let round = 0; round < 3; round++) await tsdb.runMaintenance();
    expect((await tsdb.status()).seriesCount).toBe(1);
  };
  stays();
  await wave(0);
  const before = { bytes: await heldBytes(), pages: numberOf('omoi_tsdb_series_pages') };
  for (let number = 1; number < WAVES; number++) await wave(number);
  expect(numberOf('omoi_tsdb_series_pages')).toBeLessThanOrEqual(before.pages);
  expect(numberOf('omoi_tsdb_chunk_memory_bytes')).toBeLessThanOrEqual(8 * MIB);
  expect((await heldBytes()) - before.bytes).toBeLessThan(4 * MIB);
  expect(heard.series).toBe(0);
  expect((await tsdb.labelNames({ matcherLists: [] })).items).toEqual(['__name__', 'pod']);
  await tsdb.stop();
});

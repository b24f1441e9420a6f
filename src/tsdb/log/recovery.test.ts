import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { propertyRuns } from '../../../tests/property-runs.ts';
import { SampleBatch, SelfMetrics, VirtualClock, createMatcher, silentLogger } from '#telemetry';
import { createTsdb, type Tsdb } from '../index.ts';
import type { LogFile, LogStorage } from './log-storage.ts';
import { originOf } from '../origin.test-support.ts';

const origin = originOf('import');

/** A disk in memory. */
function memoryStorage(
  files = new Map<string, Uint8Array>(),
): LogStorage & { files: Map<string, Uint8Array> } {
  const contentOf = (name: string): Uint8Array => files.get(name) ?? new Uint8Array(0);
  return {
    files,
    list: () => Promise.resolve([...files.keys()]),
    size: (name) => Promise.resolve(contentOf(name).length),
    read: (name, offset, length) => Promise.resolve(contentOf(name).slice(offset, offset + length)),
    create(name) {
      files.set(name, new Uint8Array(0));
      return Promise.resolve(memoryFile(files, name));
    },
    truncate(name, length) {
      files.set(name, contentOf(name).slice(0, length));
      return Promise.resolve();
    },
    rename(from, to) {
      files.set(to, contentOf(from));
      files.delete(from);
      return Promise.resolve();
    },
    remove(name) {
      files.delete(name);
      return Promise.resolve();
    },
  };
}

function memoryFile(files: Map<string, Uint8Array>, name: string): LogFile {
  return {
    write(bytes, offset) {
      const before = files.get(name) ?? new Uint8Array(0);
      const after = new Uint8Array(Math.max(before.length, offset + bytes.length));
      after.set(before);
      after.set(bytes, offset);
      files.set(name, after);
      return Promise.resolve();
    },
    sync: () => Promise.resolve(),
    truncate(length) {
      files.set(name, (files.get(name) ?? new Uint8Array(0)).slice(0, length));
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}

const opened: Tsdb[] = [];
afterEach(async () => {
  for (const tsdb of opened.splice(0)) await tsdb.stop();
});

async function open(logStorage: LogStorage): Promise<Tsdb> {
  const clock = new VirtualClock(0);
  const tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics: new SelfMetrics(), logStorage });
  opened.push(tsdb);
  return tsdb;
}

/** Files as a crash leaves them: a snapshot, and a log after it. */
async function writtenFiles(): Promise<Map<string, Uint8Array>> {
  const storage = memoryStorage();
  const first = await open(storage);
  await appendSteps(first, 0, 200);
  await first.stop();
  await appendSteps(await open(storage), 200, 260);
  return new Map(storage.files);
}

async function appendSteps(tsdb: Tsdb, from: number, to: number): Promise<void> {
  const batch = new SampleBatch();
  for (let step = from; step < to; step++) {
    batch.clear();
    for (const series of ['a', 'b', 'c']) batch.add(tsdb.series({ __name__: 'm', series }), step, step);
    await tsdb.commit(batch, origin).durable();
  }
}

test('damaged files never stop a start, and never change a sample', async () => {
  const intact = await writtenFiles();
  const names = [...intact.keys()];
  const damage = fc.record({
    file: fc.constantFrom(...names),
    place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    bit: fc.nat(7),
    cut: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 3 }), async (damages) => {
      const files = new Map(intact);
      for (const { file, place, bit, cut } of damages) {
        const bytes = (files.get(file) ?? new Uint8Array(0)).slice();
        const at = Math.floor(place * bytes.length);
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
        files.set(file, cut ? bytes.slice(0, at) : bytes);
      }
      const tsdb = await open(memoryStorage(files));
      const found = await tsdb.select({
        matchers: [createMatcher('__name__', '=', 'm')],
        startMs: 0,
        endMs: 1000,
      });
      for (const { timestampsMs, values } of found) expect(values).toEqual(timestampsMs);
      await tsdb.stop();
    }),
    { numRuns: propertyRuns(200) },
  );
});

test('a snapshot that was not finished does not count', async () => {
  const files = await writtenFiles();
  files.set('00000099.snapshot.partial', Uint8Array.of(1, 2, 3));
  const tsdb = await open(memoryStorage(files));
  expect(tsdb.recovery?.damage).toEqual([]);
  expect(files.has('00000099.snapshot.partial')).toBe(false);
  const found = await tsdb.select({ matchers: [createMatcher('series', '=', 'a')], startMs: 0, endMs: 1000 });
  expect(found[0]?.values).toHaveLength(260);
});

test('damage is reported as a metric too', async () => {
  const files = await writtenFiles();
  const [snapshot = ''] = [...files.keys()].filter((name) => name.endsWith('.snapshot'));
  const header = 9 + 12;
  files.set(snapshot, (files.get(snapshot) ?? new Uint8Array(0)).slice(0, header));
  const errors: string[] = [];
  const selfMetrics = new SelfMetrics();
  const tsdb = await createTsdb({
    clock: new VirtualClock(0),
    logger: { ...silentLogger, error: (_, message) => void errors.push(message) },
    selfMetrics,
    logStorage: memoryStorage(files),
  });
  opened.push(tsdb);
  expect(errors).toEqual(['Write-ahead log damaged: what follows the damage in that file is not read.']);
  const reported = selfMetrics.collect().find(({ name }) => name === 'omoi_tsdb_recovery_damaged_files');
  expect(reported?.points).toMatchObject([{ value: 1 }]);
});

test.each([
  ['before the first', (bytes: Uint8Array) => bytes.slice(0, 0)],
  ['before the last', (bytes: Uint8Array) => bytes.slice(0, -(9 + 8))],
])('a snapshot that ends between two records, %s, is reported', async (_, cut) => {
  const files = await writtenFiles();
  const [name = ''] = [...files.keys()].filter((file) => file.endsWith('.snapshot'));
  files.set(name, cut(files.get(name) ?? new Uint8Array(0)));
  const tsdb = await open(memoryStorage(files));
  expect(tsdb.recovery?.damage).toEqual([expect.stringContaining('the end is missing')]);
});

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nextTurn, silentLogger, VirtualClock } from '#telemetry';
import { CrashDisk } from '../crash-disk.ts';
import type { LogStorage } from './log-storage.ts';
import { LogWriter } from './log-writer.ts';

test('a writer that is stopped on a full disk writes nothing later', async () => {
  const clock = new VirtualClock();
  const unused = (): Promise<never> => Promise.reject(new Error('not asked'));
  let attempts = 0;
  const storage: LogStorage = {
    list: unused,
    size: unused,
    read: unused,
    remove: unused,
    truncate: unused,
    rename: unused,
    create: () => {
      attempts++;
      return Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }));
    },
  };
  const options = { storage, clock, logger: silentLogger, maxPendingBytes: 1000, run: 1, firstSegment: 1 };
  const writer = new LogWriter(options);
  writer.pending.word(7);
  writer.appended(4);
  await writer.stop();
  expect(attempts).toBe(1);
  await clock.advance(10_000);
  // A retry would begin a segment in its first turn.
  for (let turns = 0; turns < 3; turns++) await nextTurn();
  expect(attempts).toBe(1);
});

describe('what is appended', () => {
  let clock: VirtualClock;
  let synced: number[];
  let writer: LogWriter;
  beforeEach(() => {
    clock = new VirtualClock();
    synced = [];
    const disk = new CrashDisk().storage;
    const storage: LogStorage = {
      ...disk,
      async create(name) {
        const file = await disk.create(name);
        let bytes = 0;
        const write: typeof file.write = async (part, offset) => {
          await file.write(part, offset);
          bytes = part.length;
        };
        const sync = async (): Promise<void> => {
          await file.sync();
          synced.push(bytes);
        };
        return { ...file, write, sync };
      },
    };
    const limits = { maxPendingBytes: 1024 * 1024, run: 1, firstSegment: 1 };
    writer = new LogWriter({ storage, clock, logger: silentLogger, ...limits });
  });
  afterEach(() => writer.stop());

  const append = (bytes: number): void => {
    for (let word = 0; word < bytes / 4; word++) writer.pending.word(7);
    writer.appended(bytes);
  };
  /** A flush's steps are promises and turns of the event loop; the clock moves by nothing. */
  const settle = async (): Promise<void> => {
    for (let turns = 0; turns < 10; turns++) await nextTurn();
  };
  /** The header of the first segment stands before all else. */
  const syncs = (): readonly number[] => synced.slice(1);

  test('is written together, within a second, where nobody waits for it', async () => {
    for (let ms = 0; ms < 900; ms += 100) {
      append(4);
      await clock.advance(100);
    }
    await settle();
    expect(syncs()).toEqual([]);
    await clock.advance(100);
    await settle();
    expect(syncs()).toEqual([36]);
  });

  test('is written at once where somebody waits, with what came before', async () => {
    append(4);
    await clock.advance(10);
    append(8);
    await writer.durable();
    expect(syncs()).toEqual([12]);
    // Nothing is left for later.
    await clock.advance(5000);
    expect(syncs()).toEqual([12]);
  });

  test('is written at once where it is much', async () => {
    append(256 * 1024);
    await settle();
    expect(syncs()).toEqual([256 * 1024]);
  });
});

import { expect, test } from 'vitest';
import { nextTurn, silentLogger, VirtualClock } from '#telemetry';
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

import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestTelemetryDatabase, type TelemetryDatabase } from '#storage';
import { VirtualClock } from '#telemetry';
import { createLogStore } from './logs/log-store.ts';
import { writeOrMakeRoom } from './make-room.ts';
import { createSpanStore } from './traces/span-store.ts';
import type { StoredSpan } from './traces/stored-span.ts';

const clock = new VirtualClock();
let database: TelemetryDatabase;
beforeEach(async () => {
  database = await openTestTelemetryDatabase(clock, 'none');
});
afterEach(() => database.close());

/** The file may not grow beyond its present size and this many pages. */
async function limitDisk(morePages: number): Promise<void> {
  const { count } = await database.reader
    .selectNoFrom(sql<number>`(select page_count from pragma_page_count)`.as('count'))
    .executeTakeFirstOrThrow();
  await database.transaction((tx) =>
    sql`pragma max_page_count = ${sql.lit(count + morePages)}`.execute(tx.db),
  );
}

/** Writes until the disk is full, then tells whether the next try found room. */
async function recovers(
  write: (at: number) => Promise<void>,
  store: { dropOldest(): Promise<void> },
): Promise<boolean> {
  for (let at = 0; at < 500; at++) {
    try {
      await writeOrMakeRoom(() => write(at), store);
    } catch (error) {
      expect(error).toMatchObject({ code: 'storage_full' });
      return write(at).then(
        () => true,
        () => false,
      );
    }
  }
  throw new Error('the disk was never full');
}

const filler = 'x'.repeat(2000);

describe('telemetry on a full disk', () => {
  it('gives up its oldest spans for new ones', async () => {
    const store = createSpanStore(database, clock);
    const batch = (at: number): readonly StoredSpan[] =>
      Array.from({ length: 100 }, (_, index) => ({
        traceId: at.toString(16).padStart(32, '0'),
        spanId: index.toString(16).padStart(16, '0'),
        parentSpanId: null,
        name: 'full',
        kind: 'internal',
        serviceName: 'omoi',
        startUs: at * 1000 + index,
        endUs: at * 1000 + index,
        status: 'unset',
        statusMessage: null,
        attributes: { filler },
        links: [],
        events: [],
      }));
    await limitDisk(1500);
    expect(await recovers((at) => store.insert(batch(at)), store)).toBe(true);
    await expect(store.trace('0'.repeat(32))).rejects.toMatchObject({ code: 'unknown_trace' });
  });

  it.each([
    ['its oldest day', 86_400_000],
    ['the oldest lines of its only day', 1],
  ])('gives up %s for new log lines', async (_what, stepMs) => {
    const store = createLogStore(database, clock);
    await limitDisk(1500);
    const startMs = Date.UTC(2026, 0, 1);
    const write = (at: number) =>
      store.append(
        Array.from({ length: 100 }, () => ({
          atMs: startMs + at * stepMs,
          level: 'info' as const,
          component: 'test',
          serviceName: 'omoi',
          message: filler,
          traceId: null,
          spanId: null,
          fields: {},
        })),
      );
    expect(await recovers(write, store)).toBe(true);
    expect((await store.search({ toMs: startMs, limit: 1 })).found).toEqual([]);
  });
});

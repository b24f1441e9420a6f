import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { createSeededRandom, SelfMetrics, silentLogger, VirtualClock, type NewSystemEvent } from '#telemetry';
import { transactUnanswered } from '../storage/unanswered-commit.test-support.ts';
import { cursorTouchMs } from './consumer-loop.ts';
import { createEventBus } from './create-event-bus.ts';
import type { EventBus } from './event-bus.ts';

const patience = { timeout: 60_000, interval: 2 };
let clock: VirtualClock;
let database: StateDatabase;
let bus: EventBus;
let attempts: number[];

beforeEach(async () => {
  clock = new VirtualClock();
  attempts = [];
  database = await openTestStateDatabase(clock, 'none');
  bus = createEventBus({
    database,
    clock,
    random: createSeededRandom(1),
    logger: silentLogger,
    metrics: new SelfMetrics(),
  });
});
afterEach(async () => {
  await bus.stop();
  await database.close();
});

const poolChanged: NewSystemEvent = {
  event_type: 'fleet.pool.changed',
  entity_type: 'pool',
  entity_id: 'coders',
  traceparent: null,
  payload: { pool_id: 'coders', desired: 1, effective: 1, reason: 'test' },
};
const append = (count: number) =>
  database.transaction(async (tx) => {
    for (let at = 0; at < count; at++) await bus.append(tx, poolChanged);
  });
const cursorOf = (consumer: string) =>
  database.reader
    .selectFrom('event_cursors')
    .select(['last_event_id', 'updated_at_ms'])
    .where('consumer', '=', consumer)
    .executeTakeFirst();

/** On disk, while whoever appended is told that it failed, as where the database's thread dies before it answers. */
async function appendUnanswered(): Promise<void> {
  const unanswered = transactUnanswered(database, (tx) => bus.append(tx, poolChanged));
  await expect(unanswered).rejects.toMatchObject({ code: 'database_failed' });
}

describe('a durable consumer', () => {
  it('begins behind the event that it names, with what has come since, and goes on from its cursor later', async () => {
    await append(3);
    const [newest] = await bus.list({ limit: 1, newestFirst: true });
    await append(2);
    const handled: number[] = [];
    const consumer = {
      name: 'behind',
      types: ['fleet.pool.changed'] as const,
      from: { behindId: newest?.id ?? 0 },
      async handle(_tx: unknown, events: readonly { readonly id: number }[]) {
        handled.push(...events.map(({ id }) => id));
      },
    };
    const first = bus.consume(consumer);
    await vi.waitFor(() => expect(handled).toHaveLength(2), patience);
    first.stop();
    await append(1);
    bus.consume({ ...consumer, from: { behindId: 0 } });
    await vi.waitFor(() => expect(handled).toHaveLength(3), patience);
    expect(handled).toEqual([4, 5, 6].map((at) => at - 3 + (newest?.id ?? 0)));
  });

  it('is handed an event whose commit was not answered, too', async () => {
    const handled: number[] = [];
    bus.consume({
      name: 'all',
      types: ['fleet.pool.changed'],
      from: 'start',
      handle: async (_tx, events) => void handled.push(...events.map(({ id }) => id)),
    });
    await append(1);
    await vi.waitFor(() => expect(handled).toEqual([1]), patience);
    await appendUnanswered();
    await vi.waitFor(() => expect(handled).toEqual([1, 2]), patience);
    await append(1);
    await vi.waitFor(() => expect(handled).toEqual([1, 2, 3]), patience);
  });

  it('waits longer after each failure, and is not hurried by new events', async () => {
    bus.consume({
      name: 'failing',
      types: ['fleet.pool.changed'],
      from: 'start',
      async handle() {
        attempts.push(clock.monotonicMs());
        throw new Error('out of luck');
      },
    });
    await append(1);
    await vi.waitFor(() => expect(attempts).toHaveLength(1), patience);
    await append(1);
    for (let attempt = 2; attempt <= 6; attempt++) {
      await vi.waitFor(async () => {
        await clock.advance(5);
        expect(attempts.length).toBeGreaterThanOrEqual(attempt);
      }, patience);
    }
    const pauses = attempts.slice(1, 6).map((at, index) => at - (attempts[index] ?? 0));
    // Each pause is between half of its ceiling and the whole, and the ceiling doubles: 50, 100, 200 ms …
    pauses.forEach((pauseMs, index) => {
      expect(pauseMs).toBeGreaterThanOrEqual(25 * 2 ** index);
    });
  });

  it('touches its cursor while nothing happens, so that nobody takes it for dead', async () => {
    bus.consume({ name: 'idle', types: ['watchdog.escalated'], async handle() {} });
    await vi.waitFor(async () => expect(await cursorOf('idle')).toBeDefined(), patience);
    const before = await cursorOf('idle');
    await append(3);
    await clock.advance(cursorTouchMs);
    await vi.waitFor(async () => {
      expect(await cursorOf('idle')).toEqual({
        last_event_id: 3,
        updated_at_ms: (before?.updated_at_ms ?? 0) + cursorTouchMs,
      });
    }, patience);
  });

  it('touches its cursor at the start when that was long ago, also where there is nothing to do', async () => {
    const row = { last_event_id: 3, updated_at_ms: clock.wallMs() - cursorTouchMs };
    await database.transaction((tx) =>
      tx.db
        .insertInto('event_cursors')
        .values({ consumer: 'back again', ...row })
        .execute(),
    );
    bus.consume({ name: 'back again', types: ['watchdog.escalated'], async handle() {} });
    await vi.waitFor(async () => {
      expect(await cursorOf('back again')).toEqual({ ...row, updated_at_ms: clock.wallMs() });
    }, patience);
  });

  it('follows the end of the log past events of other types', async () => {
    await append(2500);
    bus.consume({ name: 'elsewhere', types: ['watchdog.escalated'], from: 'start', async handle() {} });
    await vi.waitFor(
      async () => expect(await cursorOf('elsewhere')).toMatchObject({ last_event_id: 2500 }),
      patience,
    );
  });

  it('hands out what is there in one transaction, and one by one where that fails', async () => {
    const handed: number[][] = [];
    await append(5);
    bus.consume({
      name: 'picky',
      types: ['fleet.pool.changed'],
      from: 'start',
      async handle(_tx, events) {
        handed.push(events.map((event) => event.id));
        if (events.some((event) => event.id === 3) && handed.length < 6) throw new Error('not three');
      },
    });
    await vi.waitFor(async () => {
      await clock.advance(10);
      expect(await cursorOf('picky')).toMatchObject({ last_event_id: 5 });
    }, patience);
    expect(handed).toEqual([[1, 2, 3, 4, 5], [1], [2], [3], [3], [3], [4, 5]]);
  });

  it('makes no transaction where its consumer selects nothing, and comes to what it selects', async () => {
    const handed: number[][] = [];
    bus.consume({
      name: 'choosy',
      types: ['fleet.pool.changed'],
      from: 'start',
      select: (events) => events.filter((event) => event.id % 100 === 0),
      async handle(_tx, events) {
        handed.push(events.map((event) => event.id));
      },
    });
    await append(50);
    await append(49);
    await vi.waitFor(async () => expect(await cursorOf('choosy')).toBeDefined(), patience);
    expect(await cursorOf('choosy')).toMatchObject({ last_event_id: 0 });
    await append(2);
    await vi.waitFor(() => expect(handed).toEqual([[100]]), patience);
    await append(1200);
    await vi.waitFor(() => expect(handed.flat()).toHaveLength(13), patience);
    expect(handed.flat()).toEqual(Array.from({ length: 13 }, (_, at) => 100 * (at + 1)));
  });

  it('takes so many events into one transaction and no more', async () => {
    const handed: number[] = [];
    await append(600);
    bus.consume({
      name: 'busy',
      types: ['fleet.pool.changed'],
      from: 'start',
      async handle(_tx, events) {
        handed.push(events.length);
      },
    });
    await vi.waitFor(
      async () => expect(await cursorOf('busy')).toMatchObject({ last_event_id: 600 }),
      patience,
    );
    expect(handed).toEqual([250, 250, 100]);
  });

  it('may not run twice under one name', () => {
    const consumer = { name: 'twin', types: ['fleet.pool.changed'] as const, async handle() {} };
    bus.consume(consumer);
    expect(() => bus.consume(consumer)).toThrow('runs already');
  });

  it('hands out nothing after it was stopped', async () => {
    const seen: number[] = [];
    const subscription = bus.consume({
      name: 'stopped',
      types: ['fleet.pool.changed'],
      from: 'start',
      async handle(_tx, events) {
        seen.push(...events.map((event) => event.id));
      },
    });
    await append(1);
    await vi.waitFor(() => expect(seen).toEqual([1]), patience);
    subscription.stop();
    await bus.stop();
    await append(1);
    expect(seen).toEqual([1]);
  });
});

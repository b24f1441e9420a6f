import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createEventBus, type EventBus } from '#eventbus';
import type { StateDatabase, StateTransaction } from '#storage';
import {
  createSeededRandom,
  createSystemClock,
  SelfMetrics,
  silentLogger,
  type NewSystemEvent,
  type SystemEvent,
} from '#telemetry';
import { DATABASE_KINDS } from './state-databases.ts';
import { openPlace, type StatePlace } from './state-places.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const patience = { timeout: 60_000, interval: 5 };

function enqueued(taskId: string, traceparent: string | null = null): NewSystemEvent {
  return {
    event_type: 'fleet.task.enqueued',
    entity_type: 'task',
    entity_id: taskId,
    traceparent,
    payload: { task_id: taskId, task_type: 'build', phase_id: 'PHASE_TESTING', priority: 1 },
  };
}

const poolChanged: NewSystemEvent = {
  event_type: 'fleet.pool.changed',
  entity_type: 'pool',
  entity_id: 'coders',
  traceparent: null,
  payload: { pool_id: 'coders', desired: 2, effective: 2, reason: 'test' },
};

describe.each(DATABASE_KINDS)('the event bus on $name', (kind) => {
  describe.skipIf(!kind.available)('keeps its contract', () => {
    let place: StatePlace;
    let database: StateDatabase;
    let bus: EventBus;
    let metrics: SelfMetrics;

    async function open(): Promise<void> {
      database = await openPlace(place);
      metrics = new SelfMetrics();
      bus = createEventBus({
        database,
        clock: createSystemClock(),
        random: createSeededRandom(1),
        logger: silentLogger,
        metrics,
      });
    }
    async function close(): Promise<void> {
      await bus.stop();
      await database.close();
    }
    beforeAll(() => kind.start());
    afterAll(() => kind.stop());
    beforeEach(async () => {
      place = await kind.createPlace();
      await open();
    });
    afterEach(close);

    const append = (event: NewSystemEvent) => database.transaction((tx) => bus.append(tx, event));
    const note = (tx: StateTransaction, key: string) =>
      tx.db
        .insertInto('event_cursors')
        .values({ consumer: `note-${key}`, last_event_id: 0, updated_at_ms: 0 })
        .execute();
    const notes = async () =>
      (
        await database.reader
          .selectFrom('event_cursors')
          .select('consumer')
          .where('consumer', 'like', 'note-%')
          .execute()
      ).map((row) => row.consumer);
    const consume = (seen: string[], name = 'reader') =>
      bus.consume({
        name,
        types: ['fleet.task.enqueued'],
        from: 'start',
        async handle(_tx, events) {
          seen.push(...events.map((event) => event.entity_id));
        },
      });

    it('keeps an event with its change, and none of a change that was rolled back', async () => {
      await append(enqueued('kept', `00-${TRACE}-b7ad6b7169203331-01`));
      await database
        .transaction(async (tx) => {
          await bus.append(tx, enqueued('lost'));
          throw new Error('on purpose');
        })
        .catch(() => undefined);
      const events = await bus.list({ limit: 10 });
      expect(events).toMatchObject([
        {
          event_type: 'fleet.task.enqueued',
          entity_type: 'task',
          entity_id: 'kept',
          payload: { task_id: 'kept', priority: 1 },
          traceparent: `00-${TRACE}-b7ad6b7169203331-01`,
        },
      ]);
      expect(events[0]?.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    });

    it('refuses a payload that does not fit its type, and the change with it', async () => {
      const wrong = { ...enqueued('x'), payload: { task_id: 7 } } as unknown as NewSystemEvent;
      const failing = database.transaction(async (tx) => {
        await note(tx, 'wrong');
        await bus.append(tx, wrong);
      });
      await expect(failing).rejects.toThrow('task_id');
      expect(await notes()).toEqual([]);
    });

    it.each([
      ['all', {}, ['a', 'b', 'coders', 'c']],
      ['by type', { types: ['fleet.pool.changed'] as const }, ['coders']],
      ['by entity', { entityId: 'b' }, ['b']],
      ['by trace', { traceId: TRACE }, ['b']],
      ['newest first', { newestFirst: true, limit: 2 }, ['c', 'coders']],
      ['after an id', { afterId: 2 }, ['coders', 'c']],
      ['before an id', { beforeId: 3 }, ['a', 'b']],
      ['from a time of the past', { fromMs: Date.now() - 3_600_000 }, ['a', 'b', 'coders', 'c']],
      ['to a time of the past', { toMs: Date.now() - 3_600_000 }, []],
    ])('lists %s', async (_what, query, expected) => {
      await append(enqueued('a'));
      await append(enqueued('b', `00-${TRACE}-b7ad6b7169203331-01`));
      await append(poolChanged);
      await append(enqueued('c'));
      const events = await bus.list({ limit: 10, ...query });
      expect(events.map((event) => event.entity_id)).toEqual(expected);
    });

    it('gives ids in commit order under concurrency, so that a consumer misses none', async () => {
      const consumed: number[] = [];
      const heard: number[] = [];
      bus.listen((event) => heard.push(event.id));
      bus.consume({
        name: 'all',
        types: ['fleet.task.enqueued'],
        from: 'start',
        async handle(_tx, events) {
          consumed.push(...events.map((event) => event.id));
        },
      });
      await Promise.all(
        Array.from({ length: 200 }, (_, at) =>
          database.transaction(async (tx) => {
            // Some draw their id early and commit late.
            if (at % 2 === 0) await bus.append(tx, enqueued(`early-${at}`));
            await note(tx, String(at));
            if (at % 2 === 1) await bus.append(tx, enqueued(`late-${at}`));
          }),
        ),
      );
      const ids = (await bus.list({ limit: 1000 })).map((event) => event.id);
      expect(ids).toHaveLength(200);
      await vi.waitFor(() => expect(consumed).toEqual(ids), patience);
      expect(heard).toEqual(ids);
    });

    it('resumes after a restart where it stood, with what came meanwhile', async () => {
      const first: string[] = [];
      const subscription = consume(first);
      await append(enqueued('a'));
      await vi.waitFor(() => expect(first).toEqual(['a']), patience);
      subscription.stop();
      await append(enqueued('b'));
      await close();
      await open();
      await append(enqueued('c'));
      const second: string[] = [];
      consume(second);
      await append(enqueued('d'));
      await vi.waitFor(() => expect(second).toEqual(['b', 'c', 'd']), patience);
      expect(first).toEqual(['a']);
    });

    it('starts a new consumer at the present end unless it asks for the start', async () => {
      await append(enqueued('old'));
      const seen: string[] = [];
      bus.consume({
        name: 'new',
        types: ['fleet.task.enqueued'],
        async handle(_tx, events) {
          seen.push(...events.map((event) => event.entity_id));
        },
      });
      await vi.waitFor(async () => {
        const rows = await database.reader
          .selectFrom('event_cursors')
          .select('consumer')
          .where('consumer', '=', 'new')
          .execute();
        expect(rows).toHaveLength(1);
      }, patience);
      await append(enqueued('fresh'));
      await vi.waitFor(() => expect(seen).toEqual(['fresh']), patience);
    });

    it('keeps the work of a handler and its cursor together, and retries what failed', async () => {
      let attempts = 0;
      const seen: string[] = [];
      bus.consume({
        name: 'worker',
        types: ['fleet.task.enqueued'],
        from: 'start',
        async handle(tx, events) {
          for (const { entity_id: id } of events) {
            await note(tx, id);
            if (id === 'b' && ++attempts < 3) throw new Error('not yet');
            tx.afterCommit(() => seen.push(id));
          }
        },
      });
      const other: string[] = [];
      consume(other, 'bystander');
      for (const id of ['a', 'b', 'c']) await append(enqueued(id));
      await vi.waitFor(() => expect(other).toEqual(['a', 'b', 'c']), patience);
      await vi.waitFor(() => expect(seen).toEqual(['a', 'b', 'c']), patience);
      expect(attempts).toBe(3);
      // A second insert of the same note would have failed: each attempt that failed left nothing.
      expect((await notes()).sort()).toEqual(['note-a', 'note-b', 'note-c']);
      const failures = metrics.collect().find((found) => found.name === 'omoi_event_handler_failures_total');
      expect(failures?.points).toEqual([{ suffix: '', labels: { consumer: 'worker' }, value: 2 }]);
    });

    it('hands an event out again when the process died between handler and commit', async () => {
      await append(enqueued('fatal'));
      await close();
      const script = fileURLToPath(new URL('./die-in-handler.ts', import.meta.url));
      const dying = spawn(process.execPath, ['--conditions=omoi-source', script, JSON.stringify(place)], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      const [, signal] = (await once(dying, 'exit')) as [number | null, string | null];
      expect(signal).toBe('SIGKILL');
      await open();
      expect(await notes()).toEqual([]);
      const seen: string[] = [];
      consume(seen, 'dying');
      await vi.waitFor(() => expect(seen).toEqual(['fatal']), patience);
    });

    it('tells listeners of committed events alone, with their ids', async () => {
      const heard: SystemEvent[] = [];
      const subscription = bus.listen((event) => heard.push(event));
      bus.listen(() => {
        throw new Error('a broken listener is nobody else’s trouble');
      });
      await append(enqueued('a'));
      await database
        .transaction(async (tx) => {
          await bus.append(tx, enqueued('lost'));
          throw new Error('on purpose');
        })
        .catch(() => undefined);
      await append(enqueued('b'));
      expect(heard).toEqual(await bus.list({ limit: 10 }));
      subscription.stop();
      await append(enqueued('c'));
      expect(heard).toHaveLength(2);
    });
  });
});

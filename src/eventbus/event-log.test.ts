import { CompiledQuery } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { VirtualClock, type EventType, type SystemEvent } from '#telemetry';
import type { EventQuery } from './event-bus.ts';
import { eventsQuery, listEvents } from './event-log.ts';

const TYPES: readonly EventType[] = [
  'fleet.pool.changed',
  'fleet.agent.registered',
  'monitor.alert.triggered',
  'monitor.alert.resolved',
  'watchdog.escalated',
];
const startMs = Date.UTC(2026, 10, 22);
const count = 4000;
const traceIdAt = (at: number) => (at % 50 === 0 ? 'a'.repeat(32) : null);
const rowAt = (at: number) => ({
  // The last type is rare and old.
  event_type: at < 20 ? 'watchdog.escalated' : (TYPES[at % 4] ?? ''),
  entity_type: 'pool',
  entity_id: `p${at % 7}`,
  payload: JSON.stringify({ at }),
  // A clock that was set back by a second now and then.
  at_ms: startMs + at * 1000 - (at % 100 === 99 ? 1500 : 0),
  traceparent: null,
  trace_id: traceIdAt(at),
});

let database: StateDatabase;
beforeEach(async () => {
  database = await openTestStateDatabase(new VirtualClock(startMs));
  await database.transaction(async (tx) => {
    for (let at = 0; at < count; at += 500) {
      const rows = Array.from({ length: 500 }, (_, index) => rowAt(at + index));
      await tx.db.insertInto('events').values(rows).execute();
    }
  });
});
afterEach(() => database.close());

const place = (event: SystemEvent): unknown => (event.payload as { at?: number }).at;

describe('a list of events', () => {
  const rows = Array.from({ length: count }, (_, at) => ({ at, ...rowAt(at) }));

  it.each<[string, Omit<EventQuery, 'limit'>, (row: (typeof rows)[number]) => boolean]>([
    ['all', {}, () => true],
    ['after an id', { afterId: 3990 }, ({ at }) => at >= 3990],
    ['before an id', { beforeId: 11 }, ({ at }) => at < 10],
    ['of a type', { types: ['fleet.pool.changed'] }, (row) => row.event_type === 'fleet.pool.changed'],
    [
      'of types, one of them rare',
      { types: ['watchdog.escalated', 'monitor.alert.resolved'], afterId: 5 },
      ({ at, event_type: type }) =>
        at >= 5 && (type === 'watchdog.escalated' || type === 'monitor.alert.resolved'),
    ],
    ['of an entity', { entityId: 'p3' }, (row) => row.entity_id === 'p3'],
    [
      'of an entity and types',
      { entityId: 'p3', types: ['fleet.pool.changed', 'watchdog.escalated'] },
      (row) =>
        row.entity_id === 'p3' && ['fleet.pool.changed', 'watchdog.escalated'].includes(row.event_type),
    ],
    [
      'of some entities and a type',
      { entityIds: ['p3', 'p1', 'p9'], types: ['fleet.pool.changed'] },
      (row) => ['p3', 'p1', 'p9'].includes(row.entity_id) && row.event_type === 'fleet.pool.changed',
    ],
    ['of no entities', { entityIds: [] }, () => false],
    ['of a trace', { traceId: 'a'.repeat(32) }, (row) => row.trace_id !== null],
    [
      'of a time',
      { fromMs: startMs + 1_000_000, toMs: startMs + 1_098_000 },
      ({ at_ms: atMs }) => atMs >= startMs + 1_000_000 && atMs <= startMs + 1_098_000,
    ],
    [
      'of a time and types',
      { fromMs: startMs + 1_000_000, toMs: startMs + 1_098_000, types: TYPES },
      ({ at_ms: atMs }) => atMs >= startMs + 1_000_000 && atMs <= startMs + 1_098_000,
    ],
    ['of no time', { fromMs: startMs + 10 * count * 1000 }, () => false],
    ['of no type', { types: [] }, () => false],
  ])('%s, from both ends', async (_what, query, fits) => {
    const wanted = rows.filter(fits).map(({ at }) => at);
    const oldest = await listEvents(database, { ...query, limit: 40 });
    expect(oldest.map(place)).toEqual(wanted.slice(0, 40));
    const newest = await listEvents(database, { ...query, limit: 40, newestFirst: true });
    expect(newest.map(place)).toEqual(wanted.toReversed().slice(0, 40));
  });

  it.each<[string, Omit<EventQuery, 'limit'>]>([
    ['all', {}],
    ['a time', { fromMs: 1, toMs: 2 }],
    ['a type', { types: ['fleet.pool.changed'] }],
    ['types', { types: TYPES }],
    ['types of a time', { types: TYPES, fromMs: 1, toMs: 2 }],
    ['an entity', { entityId: 'p1', types: TYPES }],
    ['a trace', { traceId: 't' }],
  ])('of %s neither scans the log nor sorts it', async (_what, query) => {
    for (const newestFirst of [true, false]) {
      const bounds = { afterId: 0, beforeId: 1000, limit: 32, newestFirst };
      const { sql, parameters } = eventsQuery(database.reader, { ...query, ...bounds }).compile();
      const plan = await database.reader.executeQuery<{ detail: string }>(
        CompiledQuery.raw(`explain query plan ${sql}`, [...parameters]),
      );
      const steps = plan.rows.map(({ detail }) => detail);
      expect(steps.filter((step) => /^SCAN (?!of_type)|TEMP B-TREE/.test(step))).toEqual([]);
    }
  });

  it('of some entities reads theirs alone', async () => {
    const entityIds = Array.from({ length: 100 }, (_, at) => `p${at}`);
    const query = { entityIds, types: TYPES, afterId: 0, beforeId: 1000, limit: 32 };
    const { sql, parameters } = eventsQuery(database.reader, query).compile();
    const plan = await database.reader.executeQuery<{ detail: string }>(
      CompiledQuery.raw(`explain query plan ${sql}`, [...parameters]),
    );
    const steps = plan.rows.map(({ detail }) => detail).filter((step) => /^(SCAN|SEARCH) events/.test(step));
    expect([...new Set(steps)]).toEqual([
      'SEARCH events USING INTEGER PRIMARY KEY (rowid=?)',
      'SEARCH events USING INDEX events_by_entity (entity_id=? AND id>? AND id<?)',
    ]);
  });
});

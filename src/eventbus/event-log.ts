import { sql, type Selectable } from 'kysely';
import type { StateDatabase, StateTables, StateTransaction } from '#storage';
import {
  EVENT_PAYLOADS,
  toRfc3339,
  traceIdOf,
  type EventType,
  type NewSystemEvent,
  type SystemEvent,
} from '#telemetry';
import type { EventQuery } from './event-bus.ts';

const maxListedEvents = 1000;
/** Well below the number of parameters that a statement may have. */
const maxRowsPerInsert = 500;
/** Any number that nothing else on the same PostgreSQL is likely to lock. */
const EVENT_ORDER_LOCK_KEY = 0x6f_6d_6f_65;

/**
 * Writes events in the transaction of the changes that they tell of. On PostgreSQL, where transactions overlap, ids are
 * drawn under a lock that is kept until the commit: else a reader could see id 8 before 7 exists.
 * @throws ZodError when a payload does not fit its type
 */
export async function writeEvents(
  tx: StateTransaction,
  events: readonly NewSystemEvent[],
): Promise<SystemEvent[]> {
  const payloads = events.map((event) => EVENT_PAYLOADS[event.event_type].parse(event.payload));
  if (tx.dialect === 'postgres') {
    await sql`select pg_advisory_xact_lock(${EVENT_ORDER_LOCK_KEY})`.execute(tx.db);
  }
  const rows = events.map((event, at) => ({
    event_type: event.event_type,
    entity_type: event.entity_type,
    entity_id: event.entity_id,
    payload: JSON.stringify(payloads[at]),
    at_ms: tx.nowMs,
    traceparent: event.traceparent,
    trace_id: traceIdOf(event.traceparent),
  }));
  const ids: number[] = [];
  for (let at = 0; at < rows.length; at += maxRowsPerInsert) {
    const inserted = await tx.db
      .insertInto('events')
      .values(rows.slice(at, at + maxRowsPerInsert))
      .returning('id')
      .execute();
    ids.push(...inserted.map((row) => row.id));
  }
  // Ids are given in the order of the values, but rows may come back in any.
  ids.sort((a, b) => a - b);
  const time = toRfc3339(tx.nowMs);
  return events.map((event, at) => {
    const id = ids[at];
    if (id === undefined) throw new Error('an event was written and no id came back');
    // The payload was checked against its type.
    return { ...event, id, payload: payloads[at], at: time } as SystemEvent;
  });
}

export async function listEvents(
  database: StateDatabase,
  query: EventQuery,
): Promise<readonly SystemEvent[]> {
  const { afterId, beforeId, types, entityId, traceId, fromMs, toMs } = query;
  if (types?.length === 0) return [];
  let select = database.reader.selectFrom('events').selectAll();
  if (afterId !== undefined) select = select.where('id', '>', afterId);
  if (beforeId !== undefined) select = select.where('id', '<', beforeId);
  if (types !== undefined) select = select.where('event_type', 'in', types);
  if (entityId !== undefined) select = select.where('entity_id', '=', entityId);
  if (traceId !== undefined) select = select.where('trace_id', '=', traceId);
  if (fromMs !== undefined) select = select.where('at_ms', '>=', fromMs);
  if (toMs !== undefined) select = select.where('at_ms', '<=', toMs);
  const rows = await select
    .orderBy('id', query.newestFirst ? 'desc' : 'asc')
    .limit(Math.min(query.limit, maxListedEvents))
    .execute();
  return rows.map(eventOf);
}

/** The id of the newest event; 0 where there is none. */
export async function lastEventId(db: StateDatabase['reader']): Promise<number> {
  const row = await db.selectFrom('events').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst();
  return row?.id ?? 0;
}

/** What follows an id, of some types, in order. */
export async function eventsAfter(
  database: StateDatabase,
  { afterId, types, limit }: { afterId: number; types: readonly EventType[]; limit: number },
): Promise<readonly SystemEvent[]> {
  const rows = await database.reader
    .selectFrom('events')
    .selectAll()
    .where('id', '>', afterId)
    .where('event_type', 'in', types)
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map(eventOf);
}

function eventOf(row: Selectable<StateTables['events']>): SystemEvent {
  // The payload was checked against its type when it was written.
  return {
    id: row.id,
    event_type: row.event_type,
    entity_type: row.entity_type,
    entity_id: row.entity_id,
    payload: JSON.parse(row.payload) as unknown,
    at: toRfc3339(row.at_ms),
    traceparent: row.traceparent,
  } as SystemEvent;
}

import { sql, type Insertable, type Selectable } from 'kysely';
import { PreparedInsert, type StateDatabase, type StateTables, type StateTransaction } from '#storage';
import { EVENT_PAYLOADS, toRfc3339, traceIdOf, type NewSystemEvent, type SystemEvent } from '#telemetry';
import type { EventQuery } from './event-bus.ts';

const maxListedEvents = 1000;
/** Any number that nothing else on the same PostgreSQL is likely to lock. */
const EVENT_ORDER_LOCK_KEY = 0x6f_6d_6f_65;

/**
 * Writes events in the transaction of the changes that they tell of, with its commit. On PostgreSQL, where transactions
 * overlap, ids are drawn under a lock that is kept until the commit: else a reader could see id 8 before 7 exists.
 * @param then is told the events with their ids, before the transaction's effects
 * @throws ZodError when a payload does not fit its type
 */
export function writeEvents(
  tx: StateTransaction,
  events: readonly NewSystemEvent[],
  then: (written: readonly SystemEvent[]) => void,
): void {
  const payloads = events.map((event) => EVENT_PAYLOADS[event.event_type].parse(event.payload));
  if (tx.dialect === 'postgres') {
    tx.atCommit(sql`select pg_advisory_xact_lock(${EVENT_ORDER_LOCK_KEY})`.compile(tx.db));
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
  const told = (inserted: readonly { readonly id: number }[]): void => {
    // Ids are given in the order of the values, but rows may come back in any.
    const ids = inserted.map(({ id }) => id).sort((a, b) => a - b);
    const time = toRfc3339(tx.nowMs);
    then(
      events.map((event, at) => {
        const id = ids[at];
        if (id === undefined) throw new Error('an event was written and no id came back');
        // The payload was checked against its type.
        return { ...event, id, payload: payloads[at], at: time } as SystemEvent;
      }),
    );
  };
  INSERT_EVENTS.atCommit(tx, rows, { onRows: told });
}

const INSERT_EVENTS = new PreparedInsert<Insertable<StateTables['events']>, { id: number }>((db, rows) =>
  db.insertInto('events').values(rows).returning('id'),
);

/**
 * Events in order of id. Every question is answered by walking an index from where the answer begins, so that it costs
 * what it returns, however long the log is.
 */
export async function listEvents(
  database: StateDatabase,
  query: EventQuery,
): Promise<readonly SystemEvent[]> {
  const limit = Math.min(query.limit, maxListedEvents);
  if (query.types?.length === 0 || query.entityIds?.length === 0) return [];
  const bounds = await idBounds(database.reader, query);
  if (bounds === null) return [];
  const rows = await eventsQuery(database.reader, { ...query, ...bounds, limit }).execute();
  return rows.map(eventOf);
}

/** A query whose times have become ids; both exclusive. */
interface BoundedQuery extends EventQuery {
  readonly afterId: number;
  readonly beforeId: number;
}

/**
 * Ids follow the time of their transactions, but for overlapping transactions and clocks that step back a little: up to
 * so much.
 */
const maxDisorderMs = 60_000;

/** The ids between which the events of the asked time lie; null where there are none. */
async function idBounds(
  db: StateDatabase['reader'],
  { afterId = 0, beforeId = Number.MAX_SAFE_INTEGER, fromMs, toMs }: EventQuery,
): Promise<{ readonly afterId: number; readonly beforeId: number } | null> {
  const edge = (comparison: '>=' | '<=', atMs: number) =>
    db
      .selectFrom('events')
      .select('id')
      .where('at_ms', comparison, atMs)
      .orderBy('at_ms', comparison === '>=' ? 'asc' : 'desc')
      .limit(1)
      .executeTakeFirst();
  const first = fromMs === undefined ? { id: 0 } : await edge('>=', fromMs - maxDisorderMs);
  const last = toMs === undefined ? { id: Number.MAX_SAFE_INTEGER } : await edge('<=', toMs + maxDisorderMs);
  if (!first || !last) return null;
  return { afterId: Math.max(afterId, first.id - 1), beforeId: Math.min(beforeId, last.id + 1) };
}

/** The statement of a list of events. */
export function eventsQuery(db: StateDatabase['reader'], query: BoundedQuery) {
  const { afterId, beforeId, types, entityId, entityIds, traceId, fromMs, toMs, limit } = query;
  const order = query.newestFirst ? 'desc' : 'asc';
  let select = db
    .selectFrom('events')
    .selectAll()
    .where('id', '>', afterId)
    .where('id', '<', beforeId)
    .orderBy('id', order)
    .limit(limit);
  if (entityId !== undefined) select = select.where('entity_id', '=', entityId);
  if (traceId !== undefined) select = select.where('trace_id', '=', traceId);
  // `+`: an index by time would have to be sorted by id.
  if (fromMs !== undefined) select = select.where(sql<boolean>`+at_ms >= ${fromMs}`);
  if (toMs !== undefined) select = select.where(sql<boolean>`+at_ms <= ${toMs}`);
  if (entityIds !== undefined) {
    // One by one: asked for several at once, an index by type looks cheaper than it is.
    const ofEntities = entityIds.map(
      (id) => sql`select id from (
      select id from events where entity_id = ${id} and id > ${afterId} and id < ${beforeId}
        ${types === undefined ? sql`` : sql`and event_type in (${sql.join(types)})`}
      order by id ${sql.raw(order)} limit ${limit}
    ) as of_entity`,
    );
    return select.where(sql<boolean>`id in (${sql.join(ofEntities, sql` union all `)})`);
  }
  if (types === undefined) return select;
  if (entityId !== undefined || traceId !== undefined) return select.where('event_type', 'in', types);
  // As many ids of each type as may be needed: an index that is asked for several types at once is sorted as a whole.
  const ofTypes = types.map(
    (type) => sql`select id from (
      select id from events where event_type = ${type} and id > ${afterId} and id < ${beforeId}
        ${fromMs === undefined ? sql`` : sql`and +at_ms >= ${fromMs}`}
        ${toMs === undefined ? sql`` : sql`and +at_ms <= ${toMs}`}
      order by id ${sql.raw(order)} limit ${limit}
    ) as of_type`,
  );
  return select.where(sql<boolean>`id in (${sql.join(ofTypes, sql` union all `)})`);
}

/** The id of the newest event; 0 where there is none. */
export async function lastEventId(db: StateDatabase['reader']): Promise<number> {
  const row = await db.selectFrom('events').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst();
  return row?.id ?? 0;
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

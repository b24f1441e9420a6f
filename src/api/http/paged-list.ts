import { Readable } from 'node:stream';
import { nextTurn } from '#telemetry';
import type { FastifyReply } from 'fastify';

/** What is sent between two turns of the event loop. */
const CHUNK_CHARACTERS = 64 * 1024;

/** Rows that are read at once: so many at first, and at most so many however small they were. */
const FIRST_ROWS = 5;
const MAX_ROWS_AT_ONCE = 25;
/** Rows are read by so much of the answer, as large as the largest of it so far. */
const CHARACTERS_AT_ONCE = 256 * 1024;

/** Rows of a list, and where the next ones begin; null at its end. */
export interface RowsBehind<Row, Place> {
  readonly rows: readonly Row[];
  readonly next: Place | null;
}

/**
 * Rows of which fewer than were asked for are the last ones.
 * @param placeOf where a row stands
 */
export function rowsBehind<Row, Place>(
  rows: readonly Row[],
  asked: number,
  placeOf: (row: Row) => Place,
): RowsBehind<Row, Place> {
  const last = rows.length < asked ? undefined : rows.at(-1);
  return { rows, next: last === undefined ? null : placeOf(last) };
}

export interface PagedList<Row, Place> {
  /** The list's field in the answer; null where the list is all of it. */
  readonly name: string | null;
  /** Behind which place it begins; null: from its beginning. */
  readonly after: Place | null;
  /** How many rows the answer has; fewer only where the list ends. */
  readonly limit: number;
  /** Up to so many rows behind a place, each time when those before have been sent. */
  readonly read: (after: Place | null, limit: number) => Promise<RowsBehind<Row, Place>>;
  /** What costs with the size of a row belongs here: it is done row by row. */
  readonly view: (row: Row) => unknown;
  /** Where to go on, once all rows have been read: a field of its own behind the list. Absent where the last row says it. */
  readonly nextCursor?: () => string | null;
}

/**
 * Sends `{name: […]}`, or the list alone, while the list is read: its rows may be large and many, and neither the event
 * loop nor the memory is taken for more than a few of them. Whole where it is small; first rows that cannot be read are
 * answered as any failure, later ones cut the answer off.
 */
export async function sendPagedList<Row, Place>(
  reply: FastifyReply,
  list: PagedList<Row, Place>,
): Promise<FastifyReply> {
  reply.type('application/json');
  const chunks = chunksOf(list);
  const first = await chunks.next();
  const second = await chunks.next();
  if (first.done === true || second.done === true) return reply.send(first.value ?? Buffer.alloc(0));
  return reply.send(Readable.from(inTurns([first.value, second.value], chunks), { objectMode: false }));
}

async function* chunksOf<Row, Place>(list: PagedList<Row, Place>): AsyncGenerator<Buffer, void, void> {
  const { name, nextCursor } = list;
  let text = name === null ? '[' : `{${JSON.stringify(name)}:[`;
  let separator = '';
  for await (const row of rowsAsJson(list)) {
    text += separator + row;
    separator = ',';
    if (text.length < CHUNK_CHARACTERS) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (name === null) yield Buffer.from(`${text}]`);
  else yield Buffer.from(`${text}]${nextCursor ? `,"next_cursor":${JSON.stringify(nextCursor())}` : ''}}`);
}

/** Row by row, of which a few are read at once: the larger they are, the fewer. */
async function* rowsAsJson<Row, Place>({
  after,
  limit,
  read,
  view,
}: PagedList<Row, Place>): AsyncGenerator<string, void, void> {
  let place = after;
  let largest = CHARACTERS_AT_ONCE / FIRST_ROWS;
  for (let left = limit; left > 0;) {
    const most = Math.max(1, Math.min(MAX_ROWS_AT_ONCE, Math.floor(CHARACTERS_AT_ONCE / largest)));
    const { rows, next } = await read(place, Math.min(left, most));
    for (const row of rows) {
      const json = JSON.stringify(view(row));
      largest = left === limit ? json.length : Math.max(largest, json.length);
      left--;
      yield json;
    }
    if (next === null) return;
    place = next;
  }
}

async function* inTurns(
  begun: readonly Buffer[],
  rest: AsyncGenerator<Buffer, void, void>,
): AsyncGenerator<Buffer, void, void> {
  yield* begun;
  for await (const chunk of rest) {
    yield chunk;
    await nextTurn();
  }
}

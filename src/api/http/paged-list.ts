import { Readable } from 'node:stream';
import { nextTurn } from '#telemetry';
import type { FastifyReply } from 'fastify';

/** What is sent between two turns of the event loop. */
const CHUNK_CHARACTERS = 64 * 1024;

/** Rows that are read from a database at once for a list: some megabytes, however large they are. */
const ROWS_PER_PAGE = 25;

export interface PagedList<Row> {
  /** The list's field in the answer; null where the list is all of it. */
  readonly name: string | null;
  /** Each read when the one before has been sent. */
  readonly pages: AsyncIterable<readonly Row[]>;
  readonly view: (row: Row) => unknown;
  /** Where to go on, once all pages have been read: a field of its own behind the list. Absent where the last row says it. */
  readonly nextCursor?: () => string | null;
}

/** Rows of a list, and where the next ones begin; null at its end. */
export interface RowsBehind<Row, Place> {
  readonly rows: readonly Row[];
  readonly next: Place | null;
}

/**
 * The pages of a list of `limit` rows behind a place.
 * @param read gives so many rows behind a place; fewer end the list
 */
export async function* pagesBehind<Row, Place>(
  { after, limit }: { readonly after: Place | null; readonly limit: number },
  read: (after: Place | null, limit: number) => Promise<RowsBehind<Row, Place>>,
): AsyncGenerator<readonly Row[], void, void> {
  let place = after;
  for (let left = limit; left > 0;) {
    const asked = Math.min(left, ROWS_PER_PAGE);
    const { rows, next } = await read(place, asked);
    yield rows;
    if (rows.length < asked || next === null) return;
    left -= asked;
    place = next;
  }
}

/**
 * Sends `{name: […]}`, or the list alone, while the list is read: its rows may be large and many. Whole where it is small; a first page that
 * cannot be read is answered as any failure, a later one cuts the answer off.
 */
export async function sendPagedList<Row>(reply: FastifyReply, list: PagedList<Row>): Promise<FastifyReply> {
  reply.type('application/json');
  const chunks = chunksOf(list);
  const first = await chunks.next();
  const second = await chunks.next();
  if (first.done === true || second.done === true) return reply.send(first.value ?? Buffer.alloc(0));
  return reply.send(Readable.from(inTurns([first.value, second.value], chunks), { objectMode: false }));
}

async function* chunksOf<Row>({
  name,
  pages,
  view,
  nextCursor,
}: PagedList<Row>): AsyncGenerator<Buffer, void, void> {
  let text = name === null ? '[' : `{${JSON.stringify(name)}:[`;
  let separator = '';
  for await (const page of pages) {
    for (const row of page) {
      text += separator + JSON.stringify(view(row));
      separator = ',';
      if (text.length < CHUNK_CHARACTERS) continue;
      yield Buffer.from(text);
      text = '';
    }
  }
  if (name === null) yield Buffer.from(`${text}]`);
  else yield Buffer.from(`${text}]${nextCursor ? `,"next_cursor":${JSON.stringify(nextCursor())}` : ''}}`);
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

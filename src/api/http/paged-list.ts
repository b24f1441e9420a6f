import { Readable } from 'node:stream';
import { nextTurn } from '#telemetry';
import type { FastifyReply } from 'fastify';

/** What is sent between two turns of the event loop. */
const CHUNK_CHARACTERS = 64 * 1024;

export interface PagedList<Row> {
  /** The list's field in the answer. */
  readonly name: string;
  /** Each read when the one before has been sent. */
  readonly pages: AsyncIterable<readonly Row[]>;
  readonly view: (row: Row) => unknown;
}

/**
 * Sends `{name: […]}` while the list is read: its rows may be large and many. Whole where it is small; a first page that
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

async function* chunksOf<Row>({ name, pages, view }: PagedList<Row>): AsyncGenerator<Buffer, void, void> {
  let text = `{${JSON.stringify(name)}:[`;
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
  yield Buffer.from(`${text}]}`);
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

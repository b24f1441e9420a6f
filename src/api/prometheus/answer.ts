import { Readable } from 'node:stream';
import { nextTurn } from '#telemetry';
import type { FastifyReply } from 'fastify';

/** What a route of Prometheus's API answers with. */
export interface PrometheusAnswer {
  /** The JSON of `data`, in pieces. */
  readonly data: Iterable<string>;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

/** What is sent between two turns of the event loop. */
const CHUNK_BYTES = 64 * 1024;
/** What most answers fit in: so little comes out of a pool. */
const FIRST_CHUNK_BYTES = 2048;
/** A UTF-16 unit takes up to so many bytes. */
const MAX_UNIT_BYTES = 3;
/** Prometheus's own limit on what it tells of each kind. */
const maxNotes = 10;

export const TRUNCATED = 'results truncated due to limit';

/** A value as one piece. */
export function* jsonOf(value: unknown): Generator<string, void, void> {
  yield JSON.stringify(value);
}

/** A list, element by element: it may be long. */
export function* jsonOfList(values: Iterable<unknown>): Generator<string, void, void> {
  let before = '[';
  for (const value of values) {
    yield before + JSON.stringify(value);
    before = ',';
  }
  yield before === '[' ? '[]' : ']';
}

/** An object, field by field; the values are JSON already. */
export function* jsonOfFields(
  fields: Iterable<readonly [name: string, json: Iterable<string>]>,
): Generator<string, void, void> {
  let before = '{';
  for (const [name, json] of fields) {
    yield `${before}${JSON.stringify(name)}:`;
    yield* json;
    before = ',';
  }
  yield before === '{' ? '{}' : '}';
}

/** Sends the answer: at once where it is small, else as a stream that others can get in between. */
export function sendAnswer(reply: FastifyReply, answer: PrometheusAnswer): FastifyReply {
  const chunks = chunksOf(answerJson(answer));
  const first = chunks.next();
  const second = chunks.next();
  reply.type('application/json');
  // A text of this type would be made JSON once more.
  if (first.done === true || second.done === true) return reply.send(first.value ?? Buffer.alloc(0));
  return reply.send(Readable.from(inTurns([first.value, second.value], chunks), { objectMode: false }));
}

function* answerJson({ data, warnings = [], infos = [] }: PrometheusAnswer): Generator<string, void, void> {
  yield '{"status":"success","data":';
  yield* data;
  yield `${notesJson('warnings', 'warning', warnings)}${notesJson('infos', 'info', infos)}}`;
}

function notesJson(key: string, kind: string, notes: readonly string[]): string {
  if (notes.length === 0) return '';
  const told = notes.slice(0, maxNotes);
  const omitted = notes.length - told.length;
  if (omitted > 0) told.push(`${omitted} more ${kind} annotations omitted`);
  return `,"${key}":${JSON.stringify(told)}`;
}

/** Pieces as bytes in chunks. Texts go over at once: chains of them would only burden the garbage collector. */
function* chunksOf(pieces: Iterable<string>): Generator<Buffer, void, void> {
  let chunk = Buffer.allocUnsafe(FIRST_CHUNK_BYTES);
  let used = 0;
  for (const piece of pieces) {
    const most = piece.length * MAX_UNIT_BYTES;
    if (used + most > chunk.length && chunk.length === FIRST_CHUNK_BYTES) {
      const larger = Buffer.allocUnsafe(CHUNK_BYTES);
      chunk.copy(larger, 0, 0, used);
      chunk = larger;
    }
    if (used > 0 && used + most > chunk.length) {
      yield chunk.subarray(0, used);
      chunk = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, most));
      used = 0;
    } else if (most > chunk.length) {
      chunk = Buffer.allocUnsafe(most);
    }
    used += chunk.write(piece, used);
  }
  if (used > 0) yield chunk.subarray(0, used);
}

async function* inTurns(
  begun: readonly Buffer[],
  rest: Iterable<Buffer>,
): AsyncGenerator<Buffer, void, void> {
  yield* begun;
  for (const chunk of rest) {
    yield chunk;
    await nextTurn();
  }
}

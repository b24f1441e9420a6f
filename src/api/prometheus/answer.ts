import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';

/** What a route of Prometheus's API answers with. */
export interface PrometheusAnswer {
  /** The JSON of `data`, in pieces. */
  readonly data: Iterable<string>;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

/** What is sent between two turns of the event loop. */
const CHUNK_CHARACTERS = 64 * 1024;
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

/** Sends the answer: at once where it is small, else as a stream that others can get in between. */
export function sendAnswer(reply: FastifyReply, answer: PrometheusAnswer): FastifyReply {
  const chunks = chunksOf(answerJson(answer));
  const first = chunks.next();
  const second = chunks.next();
  reply.type('application/json');
  // A text of this type would be made JSON once more.
  if (second.done) return reply.send(Buffer.from(first.value ?? ''));
  return reply.send(Readable.from(inTurns([first.value ?? '', second.value], chunks), { objectMode: false }));
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

function* chunksOf(pieces: Iterable<string>): Generator<string, void, void> {
  let chunk = '';
  for (const piece of pieces) {
    chunk += piece;
    if (chunk.length < CHUNK_CHARACTERS) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

async function* inTurns(
  begun: readonly string[],
  rest: Iterable<string>,
): AsyncGenerator<string, void, void> {
  yield* begun;
  for (const chunk of rest) {
    yield chunk;
    await nextTurn();
  }
}

import type { FastifyReply } from 'fastify';
import { sendPieces } from '../http/pieces.ts';

/** What a route of Prometheus's API answers with. */
export interface PrometheusAnswer {
  /** The JSON of `data`, in pieces. */
  readonly data: Iterable<string>;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

/** Prometheus's own limit on what it tells of each kind. */
const maxNotes = 10;

export const TRUNCATED = 'results truncated due to limit';

/** Sends the answer: at once where it is small, else as a stream that others can get in between. */
export function sendAnswer(reply: FastifyReply, answer: PrometheusAnswer): FastifyReply {
  return sendPieces(reply.type('application/json'), answerJson(answer));
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

import type { WireReader } from '../wire-reader.ts';

export const TRACE_ID_BYTES = 16;
export const SPAN_ID_BYTES = 8;

/** An id of another length than it should have. */
export interface WrongId {
  readonly length: number;
}

/** The hex digits of the id that begins here; null for none, which no bytes mean, and zeros. */
export function readId(reader: WireReader, end: number, length: number): string | WrongId | null {
  const idEnd = reader.fieldEnd(end);
  const start = reader.at;
  reader.at = idEnd;
  if (idEnd === start) return null;
  if (idEnd - start !== length) return { length: idEnd - start };
  let at = start;
  while (at < idEnd && reader.bytes[at] === 0) at++;
  return at === idEnd ? null : reader.bytes.toString('hex', start, idEnd);
}

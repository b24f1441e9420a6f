import type { WireReader } from '../wire-reader.ts';
import { checkLimit, maxElementBytes } from './limits.ts';
import type { Refusals } from './refusals.ts';
import { readResource, type Resource } from './resource.ts';

/** Wire bytes and elements of one piece of a request: what is read, and handed to a store, in one go. */
const maxPieceBytes = 128 * 1024;
const maxPieceElements = 100;
const FIELDS_PER_STEP = 1000;

/** How an element of a signal is read; null where it is refused. */
export type ReadElement<Element> = (end: number, resource: Resource) => Element | null;

/**
 * Reads the elements of a traces or logs request in pieces, some of which may be empty. The request has passed
 * `checkWire`.
 */
export function* piecesOf<Element>(
  reader: WireReader,
  { readElement, refusals }: { readonly readElement: ReadElement<Element>; readonly refusals: Refusals },
): Generator<readonly Element[]> {
  let piece: Element[] = [];
  let pieceStart = reader.at;
  for (const place of elementsOf(reader, refusals)) {
    if (place !== null) {
      const { resource, end } = place;
      if (end - reader.at > maxElementBytes) {
        refusals.refuse(`larger than maxElementBytes (${maxElementBytes})`);
      } else {
        const element = readElement(end, resource);
        if (element !== null) piece.push(element);
      }
      reader.at = end;
      if (piece.length < maxPieceElements && end - pieceStart < maxPieceBytes) continue;
    }
    yield piece;
    piece = [];
    pieceStart = reader.at;
  }
  if (piece.length > 0) yield piece;
}

interface Place {
  readonly resource: Resource;
  readonly end: number;
}

/**
 * Goes to where each element begins; whoever takes it leaves the reader at its end. Null is a chance to pause. A
 * request has its resources in field 1; these have their scopes, and scopes their elements, in field 2.
 */
function* elementsOf(reader: WireReader, refusals: Refusals): Generator<Place | null> {
  for (const resourceEnd of messagesOf(reader, reader.bytes.length, 1)) {
    if (resourceEnd === null) yield null;
    else {
      const start = reader.at;
      const resource = readResource(contentOf(reader, resourceEnd, 1), refusals);
      reader.at = start;
      for (const scopeEnd of messagesOf(reader, resourceEnd, 2)) {
        if (scopeEnd === null) yield null;
        else {
          for (const end of messagesOf(reader, scopeEnd, 2)) yield end === null ? null : { resource, end };
        }
      }
      yield null;
    }
  }
}

/** Goes to where each message of the field begins, and tells its end. Null is a chance to pause. */
function* messagesOf(reader: WireReader, end: number, field: number): Generator<number | null> {
  for (let fields = 1; reader.at < end; fields++) {
    const tag = reader.varint32(end);
    if (tag >>> 3 === field) yield reader.fieldEnd(end);
    else reader.skip(tag, end);
    if (fields % FIELDS_PER_STEP === 0) yield null;
  }
}

/** The messages of the field, one after the other, which is one message. */
function contentOf(reader: WireReader, end: number, field: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (let fields = 1; reader.at < end; fields++) {
    checkLimit('maxRequestElements', fields);
    const tag = reader.varint32(end);
    if (tag >>> 3 !== field) {
      reader.skip(tag, end);
      continue;
    }
    const pieceEnd = reader.fieldEnd(end);
    pieces.push(reader.bytes.subarray(reader.at, pieceEnd));
    reader.at = pieceEnd;
  }
  return Buffer.concat(pieces);
}

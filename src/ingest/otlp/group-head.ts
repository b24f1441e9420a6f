import { WIRE_BYTES, type WireReader } from '../wire-reader.ts';
import { checkLimit } from './limits.ts';

/**
 * What a group of a request is of: the content of its field 1, which is the resource of ResourceSpans, ResourceMetrics …
 * and the scope of ScopeSpans, ScopeMetrics …; field 2 is what it groups. Several messages in the field are one in pieces.
 * The reader goes to the end. Throws where fields 1 or 2 are no messages, and where there are too many fields.
 */
export function groupHead(reader: WireReader, end: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (let fields = 1; reader.at < end; fields++) {
    checkLimit('maxRequestElements', fields);
    const tag = reader.varint32(end);
    const field = tag >>> 3;
    if (field === 1 || field === 2) reader.expect(tag, WIRE_BYTES);
    if (field !== 1) {
      reader.skip(tag, end);
      continue;
    }
    const pieceEnd = reader.fieldEnd(end);
    pieces.push(reader.bytes.subarray(reader.at, pieceEnd));
    reader.at = pieceEnd;
  }
  return joined(pieces);
}

/** The pieces of one message; of one piece no copy. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces;
  return pieces.length === 1 && first ? first : Buffer.concat(pieces);
}

import { WIRE_BYTES, WIRE_FIXED32, WIRE_FIXED64, WIRE_VARINT, type WireReader } from '../../wire-reader.ts';
import { checkLimit, maxValueDepth } from '../limits.ts';
import { MessageType, type Field } from './messages.ts';

/** Fields between two chances to pause. */
const FIELDS_PER_STEP = 2000;
/** A request's own levels, and four messages for each level of a value. Below that, values are refused by name. */
const MAX_DEPTH = 12 + 4 * maxValueDepth;

/**
 * Checks that the bytes of a request are well-formed down to the values of its attributes, so that it may then be
 * read and stored piece by piece. Yields now and then.
 * @throws OmoiError `payload_undecodable` with the byte, `body_too_large`
 */
export function* checkWire(reader: WireReader, root: MessageType): Generator<void> {
  const types = [root];
  const ends = [reader.bytes.length];
  let messages = 0;
  let elements = 0;
  for (let fields = 1; types.length > 0; fields++) {
    if (fields % FIELDS_PER_STEP === 0) yield;
    const end = ends.at(-1) ?? 0;
    if (reader.at >= end) {
      types.pop();
      ends.pop();
      continue;
    }
    const tag = reader.varint32(end);
    const field = types.at(-1)?.byNumber[tag >>> 3];
    if (!field) reader.skip(tag, end);
    else if (field.type instanceof MessageType) {
      reader.expect(tag, WIRE_BYTES);
      checkLimit('maxRequestMessages', ++messages);
      if (types.length <= 3) checkLimit('maxRequestElements', ++elements);
      if (types.length > MAX_DEPTH) reader.skip(tag, end);
      else {
        ends.push(reader.fieldEnd(end));
        types.push(field.type);
      }
    } else checkScalar(reader, { field, tag, end });
  }
}

function checkScalar(
  reader: WireReader,
  { field, tag, end }: { readonly field: Field; readonly tag: number; readonly end: number },
): void {
  const wireType = wireTypeOf(field);
  if (field.repeated) reader.expect(tag, wireType, WIRE_BYTES);
  else reader.expect(tag, wireType);
  reader.skip(tag, end);
}

/** How a scalar is written where it is not packed. */
export function wireTypeOf({ type }: Field): number {
  if (typeof type === 'object') return WIRE_VARINT;
  switch (type) {
    case 'string':
    case 'id':
    case 'bytes':
      return WIRE_BYTES;
    case 'fixed64':
    case 'sfixed64':
    case 'double':
      return WIRE_FIXED64;
    case 'fixed32':
      return WIRE_FIXED32;
    case 'bool':
    case 'int64':
    case 'uint64':
    case 'uint32':
    case 'sint32':
      return WIRE_VARINT;
  }
}

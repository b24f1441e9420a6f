import { WIRE_BYTES, WIRE_FIXED64, type WireReader } from '../../wire-reader.ts';
import { checkLimit, maxValueDepth } from '../limits.ts';
import type { MessageType } from './messages.ts';

/** Fields between two chances to pause. */
const FIELDS_PER_STEP = 2000;
/** A request's own levels, and four messages for each level of a value. Below that, values are refused by name. */
const MAX_DEPTH = 12 + 4 * maxValueDepth;
/** How deep elements are: in a request, a resource and a scope. */
const ELEMENT_DEPTH = 3;

/**
 * Checks that the bytes of a request are well-formed down to the values of its attributes, so that it may then be
 * read and stored piece by piece. Yields now and then.
 * @throws OmoiError `payload_undecodable` with the byte, `body_too_large`
 */
export function* checkWire(reader: WireReader, root: MessageType): Generator<void> {
  const { bytes } = reader;
  const types: MessageType[] = [];
  const ends: number[] = [];
  let type: MessageType = root;
  let end = bytes.length;
  let messages = 0;
  let elements = 0;
  for (let fields = 1; ; fields++) {
    if (fields % FIELDS_PER_STEP === 0) yield;
    if (reader.at >= end) {
      const outer = types.pop();
      if (!outer) return;
      type = outer;
      end = ends.pop() ?? 0;
      continue;
    }
    const tag = reader.varint32(end);
    const field = type.byNumber[tag >>> 3];
    if (field === undefined) {
      reader.skip(tag, end);
      continue;
    }
    const wireType = tag & 7;
    if (wireType !== field.wireType && !(field.repeated && wireType === WIRE_BYTES)) {
      throw reader.wrongType(tag);
    }
    if (wireType === WIRE_FIXED64) reader.passEight(end);
    else if (wireType !== WIRE_BYTES) reader.skip(tag, end);
    else {
      // Nearly all lengths are of one byte.
      const length = bytes[reader.at] ?? 128;
      const fieldEnd = length < 128 && reader.at + length < end ? ++reader.at + length : reader.fieldEnd(end);
      if (field.message === null || types.length >= MAX_DEPTH) reader.at = fieldEnd;
      else {
        types.push(type);
        ends.push(end);
        end = fieldEnd;
        type = field.message;
      }
      if (field.message !== null) {
        checkLimit('maxRequestMessages', ++messages);
        if (types.length <= ELEMENT_DEPTH) checkLimit('maxRequestElements', ++elements);
      }
    }
  }
}

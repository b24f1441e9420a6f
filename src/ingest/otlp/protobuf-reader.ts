import { OmoiError } from '#telemetry';
import type { Field, FieldType, MessageTable } from './wire.ts';

const MAX_DEPTH = 64;
/** An object each: a few bytes that repeat compress to almost nothing. Ten times a collector's largest batch. */
export const maxRequestMessages = 500_000;

const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;

/**
 * Reads a protobuf message by its table into the shape of its JSON mapping: 64-bit integers are decimal strings,
 * trace ids hex. Unknown fields are skipped.
 * @throws OmoiError `payload_undecodable` with the byte offset; `body_too_large`
 */
export function readMessage(bytes: Uint8Array, table: MessageTable): Record<string, unknown> {
  const reader: Reader = {
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    at: 0,
    messages: 0,
  };
  return message(reader, { table, end: bytes.length, depth: 0 });
}

interface Reader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at: number;
  /** So many have been read, elements of lists among them. */
  messages: number;
}

interface Extent {
  readonly table: MessageTable;
  readonly end: number;
  readonly depth: number;
}

function message(reader: Reader, extent: Extent): Record<string, unknown> {
  countMessage(reader);
  if (extent.depth > MAX_DEPTH) throw undecodable(reader.at, `nested deeper than ${MAX_DEPTH} messages`);
  const value: Record<string, unknown> = {};
  while (reader.at < extent.end) {
    const tag = Number(varint(reader, extent.end));
    const wire = tag & 7;
    const field = extent.table[tag >>> 3];
    if (field) addField(value, field, { reader, extent, wire });
    else skip(reader, wire, extent.end);
  }
  if (reader.at !== extent.end) throw undecodable(reader.at, 'a field reaches past its message');
  return value;
}

interface FieldPlace {
  readonly reader: Reader;
  readonly extent: Extent;
  readonly wire: number;
}

function addField(value: Record<string, unknown>, field: Field, place: FieldPlace): void {
  if (!field.repeated) {
    value[field.name] = fieldValue(field.type, place);
    return;
  }
  const list = (value[field.name] ??= []) as unknown[];
  const packed =
    place.wire === WIRE_BYTES && typeof field.type === 'string' && SCALAR_WIRE[field.type] !== WIRE_BYTES;
  if (!packed) {
    list.push(fieldValue(field.type, place));
    return;
  }
  const { reader, extent } = place;
  const end = lengthPrefixedEnd(reader, extent.end);
  const inner = { reader, extent: { ...extent, end }, wire: SCALAR_WIRE[field.type] };
  while (reader.at < end) {
    countMessage(reader);
    list.push(fieldValue(field.type, inner));
  }
}

function countMessage(reader: Reader): void {
  if (++reader.messages > maxRequestMessages) throw tooManyMessages();
}

export function tooManyMessages(): OmoiError {
  return new OmoiError(
    'body_too_large',
    `The request has more than maxRequestMessages (${maxRequestMessages}) parts; send less at once.`,
  );
}

const SCALAR_WIRE: Readonly<Record<Extract<FieldType, string>, number>> = {
  string: WIRE_BYTES,
  bytes_hex: WIRE_BYTES,
  bytes_base64: WIRE_BYTES,
  bool: WIRE_VARINT,
  varint: WIRE_VARINT,
  sint32: WIRE_VARINT,
  fixed64: WIRE_FIXED64,
  sfixed64: WIRE_FIXED64,
  double: WIRE_FIXED64,
  fixed32: WIRE_FIXED32,
};

function fieldValue(type: FieldType, { reader, extent, wire }: FieldPlace): unknown {
  if (typeof type !== 'string') {
    expectWire(reader, wire, WIRE_BYTES);
    const end = lengthPrefixedEnd(reader, extent.end);
    return message(reader, { table: type, end, depth: extent.depth + 1 });
  }
  expectWire(reader, wire, SCALAR_WIRE[type]);
  switch (type) {
    case 'string':
      return Buffer.from(take(reader, extent.end)).toString('utf8');
    case 'bytes_hex':
      return Buffer.from(take(reader, extent.end)).toString('hex');
    case 'bytes_base64':
      return Buffer.from(take(reader, extent.end)).toString('base64');
    case 'bool':
      return varint(reader, extent.end) !== 0n;
    case 'varint':
      return BigInt.asIntN(64, varint(reader, extent.end)).toString();
    case 'sint32': {
      const zigzag = Number(BigInt.asUintN(32, varint(reader, extent.end)));
      return (zigzag >>> 1) ^ -(zigzag & 1);
    }
    case 'fixed64':
      return reader.view.getBigUint64(advance(reader, 8, extent.end), true).toString();
    case 'sfixed64':
      return reader.view.getBigInt64(advance(reader, 8, extent.end), true).toString();
    case 'double':
      return reader.view.getFloat64(advance(reader, 8, extent.end), true);
    case 'fixed32':
      return reader.view.getUint32(advance(reader, 4, extent.end), true);
  }
}

function expectWire(reader: Reader, wire: number, expected: number): void {
  if (wire !== expected) throw undecodable(reader.at, `wire type ${wire} where ${expected} belongs`);
}

function advance(reader: Reader, length: number, end: number): number {
  const from = reader.at;
  if (from + length > end) throw undecodable(from, 'the message ends inside a field');
  reader.at = from + length;
  return from;
}

function lengthPrefixedEnd(reader: Reader, end: number): number {
  const length = Number(varint(reader, end));
  if (reader.at + length > end)
    throw undecodable(reader.at, `a length of ${length} reaches past its message`);
  return reader.at + length;
}

function take(reader: Reader, end: number): Uint8Array {
  const until = lengthPrefixedEnd(reader, end);
  const from = reader.at;
  reader.at = until;
  return reader.bytes.subarray(from, until);
}

function varint(reader: Reader, end: number): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.bytes[reader.at];
    if (byte === undefined || reader.at >= end)
      throw undecodable(reader.at, 'the message ends inside a number');
    reader.at += 1;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  throw undecodable(reader.at, 'a number is longer than 10 bytes');
}

function skip(reader: Reader, wire: number, end: number): void {
  switch (wire) {
    case WIRE_VARINT:
      varint(reader, end);
      return;
    case WIRE_FIXED64:
      advance(reader, 8, end);
      return;
    case WIRE_BYTES:
      take(reader, end);
      return;
    case WIRE_FIXED32:
      advance(reader, 4, end);
      return;
    default:
      throw undecodable(reader.at, `wire type ${wire} is unknown`);
  }
}

function undecodable(offset: number, problem: string): OmoiError {
  return new OmoiError('payload_undecodable', `OTLP protobuf, byte ${offset}: ${problem}`, { offset });
}

import { WIRE_BYTES, WIRE_FIXED64, WIRE_VARINT, type WireReader } from '../wire-reader.ts';
import { KnownTexts } from './known-texts.ts';
import { maxElementTextBytes, maxElementValues, maxTextBytes, maxValueDepth } from './limits.ts';

/** A value as JSON has it. What JSON has not is text: NaN and infinities, bytes as base64, integers beyond 2^53 as digits. */
export type PlainValue =
  | string
  | number
  | boolean
  | null
  | readonly PlainValue[]
  | { readonly [key: string]: PlainValue };

/** What may still be kept of one element: bytes of texts, and values; below zero where there were more. */
export interface ElementBudget {
  bytesLeft: number;
  valuesLeft: number;
}

export function elementBudget(): ElementBudget {
  return { bytesLeft: maxElementTextBytes, valuesLeft: maxElementValues };
}

/** One for the whole process: nothing that is answered or stored depends on what is in it. */
const knownTexts = new KnownTexts();

/** What has no value of its own: an attribute that is nested too deeply, or that has no key. */
export const TOO_DEEP = Symbol('too deep');

/**
 * The texts [reader.at, end) of protobuf, cut to a length: at a character, never inside one. Bytes that are no UTF-8
 * become U+FFFD.
 */
export function readText(reader: WireReader, end: number, budget?: ElementBudget): string {
  const textEnd = reader.fieldEnd(end);
  const { bytes, at: start } = reader;
  reader.at = textEnd;
  let cutEnd = Math.min(textEnd, start + (budget ? Math.min(maxTextBytes, budget.bytesLeft) : maxTextBytes));
  if (cutEnd < textEnd) while (cutEnd > start && ((bytes[cutEnd] ?? 0) & 0xc0) === 0x80) cutEnd--;
  if (budget) budget.bytesLeft -= cutEnd - start;
  const known = knownTexts.read(bytes, start, cutEnd);
  if (known !== null) return known;
  // Nearly all texts are plain ASCII, which is read much faster.
  let at = start;
  while (at < cutEnd && (bytes[at] ?? 128) < 128) at++;
  return at === cutEnd ? bytes.toString('latin1', start, cutEnd) : bytes.toString('utf8', start, cutEnd);
}

/** Where a value stands: in how many others, and what its texts may take. */
export interface ValuePlace {
  readonly depth: number;
  readonly budget?: ElementBudget | undefined;
}

/** Reads an AnyValue up to `end`; `TOO_DEEP` where it holds lists and maps deeper than `maxValueDepth`. */
export function readValue(reader: WireReader, end: number, at: ValuePlace): PlainValue | typeof TOO_DEEP {
  const { budget } = at;
  let value: PlainValue | typeof TOO_DEEP = null;
  while (reader.at < end) {
    const tag = reader.varint32(end);
    switch (tag >>> 3) {
      case 1:
        if ((tag & 7) !== WIRE_BYTES) throw reader.wrongType(tag);
        value = readText(reader, end, budget);
        break;
      case 2:
        reader.expect(tag, WIRE_VARINT);
        value = reader.unsigned(end) !== 0;
        break;
      case 3:
        reader.expect(tag, WIRE_VARINT);
        value = readInteger(reader, end);
        break;
      case 4: {
        reader.expect(tag, WIRE_FIXED64);
        const double = reader.double(end);
        value = Number.isFinite(double) ? double : String(double);
        break;
      }
      case 5:
      case 6:
        reader.expect(tag, WIRE_BYTES);
        value = readNested(reader, reader.fieldEnd(end), { isMap: tag >>> 3 === 6, ...at });
        break;
      case 7:
        reader.expect(tag, WIRE_BYTES);
        value = readBytes(reader, end, budget);
        break;
      default:
        reader.skip(tag, end);
    }
  }
  return value;
}

interface Nested extends ValuePlace {
  readonly isMap: boolean;
}

/** An ArrayValue or a KeyValueList: both have their elements in field 1. */
function readNested(
  reader: WireReader,
  end: number,
  { isMap, depth, budget }: Nested,
): PlainValue | typeof TOO_DEEP {
  if (depth >= maxValueDepth) {
    reader.at = end;
    return TOO_DEEP;
  }
  const values: PlainValue[] = [];
  const entries: Record<string, PlainValue> = {};
  let isTooDeep = false;
  while (reader.at < end) {
    const tag = reader.varint32(end);
    if (tag >>> 3 !== 1) {
      reader.skip(tag, end);
      continue;
    }
    reader.expect(tag, WIRE_BYTES);
    const elementEnd = reader.fieldEnd(end);
    if (budget && --budget.valuesLeft < 0) {
      reader.at = end;
      break;
    }
    if (isMap) {
      const { key, value } = readKeyValue(reader, elementEnd, { depth: depth + 1, budget });
      if (value === TOO_DEEP) isTooDeep = true;
      else setEntry(entries, key, value);
    } else {
      const value = readValue(reader, elementEnd, { depth: depth + 1, budget });
      if (value === TOO_DEEP) isTooDeep = true;
      else values.push(value);
    }
  }
  if (isTooDeep) return TOO_DEEP;
  return isMap ? entries : values;
}

/** Any key is only a name; an assignment would take `__proto__` for something else. */
export function setEntry(entries: Record<string, PlainValue>, key: string, value: PlainValue): void {
  if (key === '__proto__') {
    Object.defineProperty(entries, key, { value, enumerable: true, configurable: true, writable: true });
  } else entries[key] = value;
}

export interface Attribute {
  readonly key: string;
  readonly value: PlainValue | typeof TOO_DEEP;
}

/** Reads a KeyValue up to `end`. */
export function readKeyValue(reader: WireReader, end: number, at: ValuePlace): Attribute {
  let key = '';
  let value: PlainValue | typeof TOO_DEEP = null;
  while (reader.at < end) {
    const tag = reader.varint32(end);
    const field = tag >>> 3;
    if ((field === 1 || field === 2) && (tag & 7) !== WIRE_BYTES) throw reader.wrongType(tag);
    if (field === 1) key = readText(reader, end, at.budget);
    else if (field === 2) value = readValue(reader, reader.fieldEnd(end), at);
    else reader.skip(tag, end);
  }
  return { key, value };
}

/** What is wrong with an attribute, or null. */
export function attributeProblem({ key, value }: Attribute): string | null {
  if (key === '') return 'an attribute without a key';
  if (value === TOO_DEEP)
    return `attribute ${key.slice(0, 60)} is nested deeper than maxValueDepth (${maxValueDepth})`;
  return null;
}

/** As a number where a double holds it exactly, as digits where not. */
function readInteger(reader: WireReader, end: number): number | string {
  const start = reader.at;
  const near = reader.signed(end);
  return Number.isSafeInteger(near) ? near : reader.bigSigned(start).toString();
}

function readBytes(reader: WireReader, end: number, budget: ElementBudget | undefined): string {
  const bytesEnd = reader.fieldEnd(end);
  const start = reader.at;
  reader.at = bytesEnd;
  const kept = Math.min(bytesEnd - start, maxTextBytes, budget?.bytesLeft ?? maxTextBytes);
  if (budget) budget.bytesLeft -= kept;
  return reader.bytes.toString('base64', start, start + kept);
}

/** A value as a label has it: texts as they are, nothing as an empty label, which is none, structures as JSON. */
export function labelText(value: PlainValue): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

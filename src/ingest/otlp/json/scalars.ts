import type { WireWriter } from '../wire/wire-writer.ts';
import type { EnumType, Scalar } from '../wire/messages.ts';
import { MAX_NUMBER_BYTES, type ScalarToken } from './json-tokens.ts';

const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const INTEGER = /^-?\d+$/;
/** Digits of an integer that a double holds exactly. */
const EXACT_DIGITS = 15;
/** More than the longest name of an enum's value has. */
const MAX_NAME_BYTES = 64;

/**
 * Writes a value by the rules of ProtoJSON (https://protobuf.dev/programming-guides/json/): 64-bit integers as numbers
 * or texts, doubles as numbers, as texts of numbers or as NaN, Infinity and -Infinity, enums as numbers or names,
 * bytes as base64; ids as hex, which is OTLP's own rule. A text of a number beyond the largest double is none, as protobuf's
 * own conformance tests have it; a JSON number beyond it is infinite, as it is to who reads and writes JSON in JavaScript or Python:
 * refused, it would take a service's sample away for what is a value of a double.
 * @returns what is wrong with the value, or null
 */
export function writeScalar(
  writer: WireWriter,
  type: Scalar | EnumType,
  token: Exclude<ScalarToken, null>,
): string | null {
  if (typeof type === 'object') return writeEnum(writer, type, token);
  switch (type) {
    case 'string':
      return writeText(writer, token);
    case 'id':
      return writeHex(writer, token);
    case 'bytes':
      return writeBase64(writer, token);
    case 'bool':
      if (typeof token !== 'boolean') return 'true or false belongs here';
      writer.varint(token ? 1 : 0);
      return null;
    case 'double':
      return writeDouble(writer, token);
    case 'int64':
    case 'uint64':
    case 'uint32':
    case 'sint32':
    case 'fixed32':
    case 'fixed64':
    case 'sfixed64':
      return writeInteger(writer, type, token);
  }
}

type Token = Exclude<ScalarToken, null>;

function writeText(writer: WireWriter, token: Token): string | null {
  if (typeof token === 'boolean' || token.kind !== 'text') return 'a text belongs here';
  writer.bytes(token.text);
  return null;
}

function writeHex(writer: WireWriter, token: Token): string | null {
  if (typeof token === 'boolean' || token.kind !== 'text') return 'an id in hex digits belongs here';
  const bytes = Buffer.from(token.text.toString('latin1', 0, 1024), 'hex');
  if (bytes.length * 2 !== token.text.length) return 'an id in hex digits belongs here';
  writer.bytes(bytes);
  return null;
}

function writeBase64(writer: WireWriter, token: Token): string | null {
  if (typeof token === 'boolean' || token.kind !== 'text') return 'base64 belongs here';
  const text = token.text.toString('latin1');
  if (!isBase64(text)) return 'base64 belongs here';
  writer.bytes(Buffer.from(text, 'base64'));
  return null;
}

/** With or without padding; a last group of one digit is six bits of a byte, and no byte. */
function isBase64(text: string): boolean {
  const digits = /^[A-Za-z0-9+/_-]*/.exec(text)?.[0].length ?? 0;
  const padding = text.length - digits;
  if (digits % 4 === 1 || padding > 2 || !'=='.startsWith(text.slice(digits))) return false;
  return padding === 0 || text.length % 4 === 0;
}

function writeEnum(writer: WireWriter, { numbers }: EnumType, token: Token): string | null {
  const integer = integerOf(token);
  if (integer !== null && integer >= -(2n ** 31n) && integer < 2n ** 31n) {
    writer.bigVarint(integer);
    return null;
  }
  const name = typeof token === 'boolean' ? String(token) : token.text.toString('latin1', 0, MAX_NAME_BYTES);
  const number = numbers.get(name);
  if (number === undefined) return `${name.slice(0, 60)} is no value of this enum`;
  writer.varint(number);
  return null;
}

function writeDouble(writer: WireWriter, token: Token): string | null {
  if (typeof token === 'boolean') return 'a number belongs here';
  const text = digitsOf(token);
  const isText = token.kind === 'text';
  const isNamed = isText && (text === 'NaN' || text === 'Infinity' || text === '-Infinity');
  if (isText && !isNamed && !NUMBER.test(text)) return 'a number belongs here';
  const value = Number(text);
  if (isText && !isNamed && !Number.isFinite(value)) return 'a number that fits into a double belongs here';
  writer.double(value);
  return null;
}

interface Range {
  readonly least: bigint;
  readonly most: bigint;
}

const RANGES: Readonly<
  Record<'int64' | 'uint64' | 'uint32' | 'sint32' | 'fixed32' | 'fixed64' | 'sfixed64', Range>
> = {
  int64: { least: -(2n ** 63n), most: 2n ** 63n - 1n },
  sfixed64: { least: -(2n ** 63n), most: 2n ** 63n - 1n },
  uint64: { least: 0n, most: 2n ** 64n - 1n },
  fixed64: { least: 0n, most: 2n ** 64n - 1n },
  uint32: { least: 0n, most: 2n ** 32n - 1n },
  fixed32: { least: 0n, most: 2n ** 32n - 1n },
  sint32: { least: -(2n ** 31n), most: 2n ** 31n - 1n },
};

function writeInteger(writer: WireWriter, type: keyof typeof RANGES, token: Token): string | null {
  const integer = integerOf(token);
  if (integer === null) return 'an integer belongs here';
  const { least, most } = RANGES[type];
  if (integer < least || integer > most) return `an integer from ${least} to ${most} belongs here`;
  switch (type) {
    case 'fixed64':
    case 'sfixed64':
      writer.fixed64(integer);
      return null;
    case 'fixed32':
      writer.fixed32(Number(integer));
      return null;
    case 'sint32':
      writer.varint(Number(integer < 0n ? -integer * 2n - 1n : integer * 2n));
      return null;
    case 'int64':
    case 'uint64':
    case 'uint32':
      writer.bigVarint(integer);
      return null;
  }
}

/** An integer, in digits or in a form like 1.5e3; null where it is none. */
function integerOf(token: Token): bigint | null {
  if (typeof token === 'boolean') return null;
  const text = digitsOf(token);
  if (INTEGER.test(text)) return text.length <= EXACT_DIGITS ? BigInt(Number(text)) : BigInt(text);
  if (!NUMBER.test(text)) return null;
  const value = Number(text);
  return Number.isInteger(value) ? BigInt(value) : null;
}

/** What may be a number; '' where it is too long for one. */
function digitsOf({ text }: Exclude<Token, boolean>): string {
  if (typeof text === 'string') return text;
  return text.length > MAX_NUMBER_BYTES ? '' : text.toString('latin1');
}

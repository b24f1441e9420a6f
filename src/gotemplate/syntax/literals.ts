import { isUtf8 } from 'node:buffer';
import { TemplateSyntaxError } from './syntax-error.ts';

/** A number as Go's templates read it: whatever types can hold it; null where one can't. */
export interface NumberValue {
  readonly integer: bigint | null;
  readonly float: number | null;
  /** Whether it is a `float64` where nothing asks for a type. */
  readonly isFloat: boolean;
}

const MAX_INT = (1n << 63n) - 1n;
const MAX_UINT = (1n << 64n) - 1n;
const WHOLE = /^([+-]?)(0[xX]|0[bB]|0[oO]|0)?(_?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)$/;
const BASES: Readonly<Record<string, string>> = { '0x': '0x', '0b': '0b', '0o': '0o', '0': '0o' };

/** Go's strconv.ParseInt and ParseUint with base 0; null for what they refuse. */
function parseWhole(text: string): bigint | null {
  if (/^[+-]?0$/.test(text)) return 0n;
  const match = WHOLE.exec(text);
  if (!match) return null;
  const [, sign, prefix, digits = ''] = match;
  if (prefix === undefined && digits.startsWith('_')) return null;
  try {
    const base = prefix === undefined ? '' : (BASES[prefix.toLowerCase()] ?? '');
    const magnitude = BigInt(base + digits.replaceAll('_', ''));
    const value = sign === '-' ? -magnitude : magnitude;
    return value > MAX_UINT || value < -MAX_INT - 1n ? null : value;
  } catch {
    // Digits that the base does not have.
    return null;
  }
}

const DIGITS = '[0-9]+(?:_[0-9]+)*';
const DECIMAL = new RegExp(`^[+-]?(?:${DIGITS}\\.?(?:${DIGITS})?|\\.${DIGITS})(?:[eE][+-]?${DIGITS})?$`);
const HEX =
  /^([+-]?)0[xX](_?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)?\.?([0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)?[pP]([+-]?[0-9]+(?:_[0-9]+)*)$/;
const NAMED = /^([+-]?)(inf|infinity|nan)$/i;

/** Go's strconv.ParseFloat; null for what it refuses, and for what is too large. */
export function parseGoFloat(text: string): number | null {
  const named = NAMED.exec(text);
  if (named) {
    if (named[2]?.toLowerCase() === 'nan') return named[1] === '' ? Number.NaN : null;
    return named[1] === '-' ? -Infinity : Infinity;
  }
  const value = DECIMAL.test(text) ? Number(text.replaceAll('_', '')) : parseHexFloat(text);
  return value !== null && Number.isFinite(value) ? value : null;
}

const MAX_HEX_EXPONENT = 2000;

function parseHexFloat(text: string): number | null {
  const match = HEX.exec(text);
  if (!match) return null;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const digits = (whole + fraction).replaceAll('_', '');
  if (digits === '') return null;
  const power = Number(exponent.replaceAll('_', '')) - 4 * fraction.replaceAll('_', '').length;
  if (Math.abs(power) > MAX_HEX_EXPONENT) return power < 0 ? 0 : null;
  // In two halves: 2 ** -1100 alone would be zero.
  const half = Math.trunc(power / 2);
  const value = Number(BigInt(`0x${digits}`)) * 2 ** half * 2 ** (power - half);
  return sign === '-' ? -value : value;
}

/** @throws TemplateSyntaxError */
export function parseNumber(text: string, offset: number): NumberValue {
  if (text.endsWith('i'))
    throw new TemplateSyntaxError(`imaginary numbers are not supported: ${text}`, offset);
  const whole = parseWhole(text);
  if (whole !== null)
    return { integer: whole > MAX_INT ? null : whole, float: Number(whole), isFloat: false };
  const float = parseGoFloat(text);
  if (float === null) throw new TemplateSyntaxError(`illegal number syntax: ${JSON.stringify(text)}`, offset);
  if (!/[.eEpP]/.test(text)) {
    throw new TemplateSyntaxError(`integer overflow: ${JSON.stringify(text)}`, offset);
  }
  const isWhole = Number.isInteger(float) && Math.abs(float) < 2 ** 63;
  return { integer: isWhole ? BigInt(float) : null, float, isFloat: true };
}

/** A character constant with its quotes: `'a'`, `'\n'`. @throws TemplateSyntaxError */
export function parseCharacter(quoted: string, offset: number): NumberValue {
  const points = Array.from(unescape(quoted.slice(1, -1), "'", offset));
  if (points.length !== 1) {
    throw new TemplateSyntaxError(`malformed character constant: ${quoted}`, offset);
  }
  const escapedByte = /^'\\(?:x([0-9a-fA-F]{2})|([0-7]{3}))'$/.exec(quoted);
  const byte =
    escapedByte && Number.parseInt(escapedByte[1] ?? escapedByte[2] ?? '', escapedByte[1] ? 16 : 8);
  const point = byte ?? points[0]?.codePointAt(0) ?? 0;
  return { integer: BigInt(point), float: point, isFloat: false };
}

/** A text in double quotes or backquotes, without them. @throws TemplateSyntaxError */
export function parseText(quoted: string, offset: number): string {
  if (quoted.startsWith('`')) return quoted.slice(1, -1).replaceAll('\r', '');
  return unescape(quoted.slice(1, -1), '"', offset);
}

const SHORT_ESCAPES: ReadonlyMap<string, number> = new Map([
  ['a', 0x07],
  ['b', 0x08],
  ['f', 0x0c],
  ['n', 0x0a],
  ['r', 0x0d],
  ['t', 0x09],
  ['v', 0x0b],
  ['\\', 0x5c],
]);
const CODED = /\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/y;

/** Escapes name bytes, which together are UTF-8; what is none reads as U+FFFD. */
function unescape(text: string, mark: '"' | "'", offset: number): string {
  if (!text.includes('\\')) return text;
  const bytes = unescapedBytes(text, mark);
  if (!bytes) throw new TemplateSyntaxError(`invalid syntax in ${mark}${text}${mark}`, offset);
  return bytes.toString();
}

const QUOTED = /^"(?:[^"\\\n]|\\.)*"$/;

/** A text in double quotes without them, as Go's strconv.Unquote reads it; null where that refuses, and for what is no UTF-8. */
export function unquoteText(quoted: string): string | null {
  if (!QUOTED.test(quoted)) return null;
  const bytes = unescapedBytes(quoted.slice(1, -1), '"');
  return bytes && isUtf8(bytes) ? bytes.toString() : null;
}

/** Null where something is no escape. */
function unescapedBytes(text: string, mark: '"' | "'"): Buffer | null {
  const bytes: Buffer[] = [];
  for (let at = 0; at < text.length;) {
    const escape = text.indexOf('\\', at);
    const plainEnd = escape === -1 ? text.length : escape;
    bytes.push(Buffer.from(text.slice(at, plainEnd)));
    if (escape === -1) break;
    const { value, end } = readEscape(text, escape, mark);
    if (value === null) return null;
    bytes.push(value);
    at = end;
  }
  return Buffer.concat(bytes);
}

function readEscape(
  text: string,
  at: number,
  mark: string,
): { readonly value: Buffer | null; readonly end: number } {
  const letter = text.charAt(at + 1);
  const short = letter === mark ? mark.charCodeAt(0) : SHORT_ESCAPES.get(letter);
  if (short !== undefined) return { value: Buffer.of(short), end: at + 2 };
  CODED.lastIndex = at;
  const match = CODED.exec(text);
  if (!match) return { value: null, end: at };
  const end = at + match[0].length;
  const [, hexByte, octal, short16, long32] = match;
  const point = Number.parseInt(hexByte ?? octal ?? short16 ?? long32 ?? '', octal === undefined ? 16 : 8);
  if (hexByte !== undefined || octal !== undefined) {
    return { value: point > 0xff ? null : Buffer.of(point), end };
  }
  const isCharacter = point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff);
  return { value: isCharacter ? Buffer.from(String.fromCodePoint(point)) : null, end };
}

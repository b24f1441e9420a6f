import { formatFloat, parseDuration } from '#telemetry';

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

/**
 * The text that a quoted string of a query stands for, quotes included: Go's escapes in '…' and "…", none in `…`.
 * The lexer has checked the escapes. Byte escapes (`\xc3\xa4`) that form UTF-8 are joined; others become lone
 * surrogates (U+DC00 + byte), so that the text is not well-formed and can still be quoted.
 */
export function unquote(literal: string): string {
  const body = literal.slice(1, -1);
  if (literal.startsWith('`')) return body.replaceAll('\r', '');
  if (!body.includes('\\')) return body;
  const bytes: number[] = [];
  let text = '';
  const flush = (): void => {
    if (bytes.length > 0) text += decodeBytes(bytes.splice(0));
  };
  for (let at = 0; at < body.length; at++) {
    const character = body.charAt(at);
    if (character !== '\\') {
      flush();
      text += character;
      continue;
    }
    const escape = body.charAt(++at);
    const width = escape === 'x' ? 2 : escape === 'u' ? 4 : escape === 'U' ? 8 : 0;
    if (escape === 'x') {
      bytes.push(Number.parseInt(body.slice(at + 1, at + 3), 16));
    } else if (width > 0) {
      flush();
      text += String.fromCodePoint(Number.parseInt(body.slice(at + 1, at + 1 + width), 16));
    } else if (escape >= '0' && escape <= '7') {
      bytes.push(Number.parseInt(body.slice(at, at + 3), 8));
      at += 2;
    } else {
      flush();
      text += SIMPLE_ESCAPES[escape] ?? escape;
    }
    at += width;
  }
  flush();
  return text;
}

const STRAY_BYTE = 0xdc00;

function decodeBytes(bytes: readonly number[]): string {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const lead = bytes[at] ?? 0;
    const length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 0;
    const decoded = Buffer.from(bytes.slice(at, at + length)).toString('utf8');
    const isValid = length > 0 && decoded.length > 0 && !decoded.includes('\uFFFD');
    text += isValid ? decoded : String.fromCharCode(STRAY_BYTE + lead);
    at += isValid ? length : 1;
  }
  return text;
}

/** A text in double quotes with Go's escapes (`strconv.Quote`). */
export function quote(text: string): string {
  let quoted = '"';
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (character === '"' || character === '\\') quoted += `\\${character}`;
    else if (code >= STRAY_BYTE + 0x80 && code <= STRAY_BYTE + 0xff) quoted += byteEscape(code - STRAY_BYTE);
    else if (PRINTABLE.test(character)) quoted += character;
    else quoted += CONTROL_ESCAPES[code] ?? codePointEscape(code);
  }
  return `${quoted}"`;
}

/** What Go prints as it is: letters, marks, numbers, punctuation, symbols, and of all blanks the space. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

const LABEL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** A label name as it stands in a query or a message: quoted where it is no plain word. */
export function formatLabelName(name: string): string {
  return LABEL_NAME.test(name) ? name : quote(name);
}

function byteEscape(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

function codePointEscape(code: number): string {
  if (code < 0x80) return byteEscape(code);
  const digits = code.toString(16);
  return code > 0xffff ? `\\U${digits.padStart(8, '0')}` : `\\u${digits.padStart(4, '0')}`;
}

const CONTROL_ESCAPES: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
};

/** The largest number that Prometheus reads as an integer; what is larger it reads as a float. */
const MAX_INTEGER = 2n ** 63n - 1n;

/**
 * The value of a number token: decimal, hexadecimal (`0x1F`), octal (`017`), with underscores between digits, or
 * Inf and NaN in any case. As in Prometheus the first of Go's `ParseInt` (with base 0) and `ParseFloat` that takes
 * it: a hexadecimal beyond 64 bits is no number, an octal one is read as a decimal.
 * @returns why it is none, in Go's words
 */
export function parseNumber(token: string): number | 'invalid syntax' | 'value out of range' {
  const text = token.replaceAll('_', '').toLowerCase();
  if (text === 'inf') return Infinity;
  if (text === 'nan') return NaN;
  if (text.startsWith('0x')) {
    const isInteger = /^0x[0-9a-f]+$/.test(text) && BigInt(text) <= MAX_INTEGER;
    return isInteger ? Number(text) : 'invalid syntax';
  }
  if (/^0[0-7]+$/.test(text)) {
    const value = BigInt(`0o${text}`);
    if (value <= MAX_INTEGER) return Number(value);
  }
  const value = Number(text);
  if (Number.isNaN(value)) return 'invalid syntax';
  return Number.isFinite(value) ? value : 'value out of range';
}

/** The seconds of a duration token, or null for a wrong order of units. */
export function parseDurationSeconds(token: string): number | null {
  const durationMs = parseDuration(token);
  return durationMs === null ? null : durationMs / 1000;
}

/** The shortest decimal text without an exponent (Go's `%f` with the smallest precision). */
export function formatDecimal(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const text = String(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (!match) return text;
  const [, sign = '', lead = '', fraction = '', exponentText = ''] = match;
  const exponent = Number(exponentText);
  const digits = lead + fraction;
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  return `${sign}${digits.padEnd(exponent + 1, '0')}`;
}

/** Go's `%f`: six digits behind the point. */
export function formatFixed(value: number): string {
  return formatFloat(value, 'f', 6);
}

/** The shortest text as Go's `%g` writes it: an exponent below 1e-4 and from 1e6 on, of two digits at least. */
export function formatGeneral(value: number): string {
  return formatFloat(value, 'g', null);
}

/** `%.<digits>g`. */
export function formatSignificant(value: number, digits: number): string {
  return formatFloat(value, 'g', digits);
}

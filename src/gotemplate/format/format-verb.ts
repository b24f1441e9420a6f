import { binaryParts, formatFloat, unpaced } from '#telemetry';
import { assertTextFits, MAX_PRINTED_DEPTH, MAX_TEXT_CHARACTERS } from '../limits.ts';
import { PIECE_CHARACTERS, piecesOf } from '../pieces.ts';
import {
  GoFunction,
  GoInteger,
  GoMap,
  GoSlice,
  type GoStruct,
  GoText,
  TemplateRunError,
  typeName,
  type TemplateValue,
} from '../values/value.ts';
import { canBackquote, quoteText } from './quote.ts';

/** One directive of a format, such as `%-8.2f`. */
export interface Verb {
  readonly letter: string;
  /** Of `+`, `-`, `#`, `0` and the space. */
  readonly flags: string;
  /** Characters; null where none is given. */
  readonly width: number | null;
  readonly precision: number | null;
  /** Writes a value into the message about a verb that does not fit it. */
  readonly isForMessage?: true;
}

/**
 * A value as one of fmt's verbs writes it. What does not fit shows in the text: `%!d(string=a)`. Offers pauses where it gets long.
 */
export function* formatVerb(
  verb: Verb,
  value: TemplateValue,
  maxCharacters: number,
): Generator<void, string> {
  if (verb.letter === 'T') return pad(verb, typeName(value));
  return yield* formatAt(verb, value, { depth: 0, maxCharacters });
}

interface Nesting {
  /** How deep the value stands in the one that is printed. */
  readonly depth: number;
  readonly maxCharacters: number;
}

/** `%+v` names the fields of structs; on numbers the plus has no meaning then. */
function flagsOfNumber({ letter, flags, isForMessage }: Verb): string {
  return letter === 'v' && !isForMessage ? flags.replaceAll('+', '') : flags;
}

function* formatAt(verb: Verb, value: TemplateValue, nesting: Nesting): Generator<void, string> {
  if (nesting.depth > MAX_PRINTED_DEPTH)
    throw new TemplateRunError('the value is nested too deeply to be printed');
  if (value === null) return verb.letter === 'v' ? pad(verb, '<nil>') : misfit(verb, value);
  if (typeof value === 'string') return yield* formatString(verb, value, nesting.maxCharacters);
  if (typeof value === 'number') return formatNumber(verb, value);
  if (typeof value === 'bigint') return formatInteger(verb, value, value);
  if (value instanceof GoText) return yield* formatString(verb, value.value, nesting.maxCharacters);
  if (typeof value === 'object') return yield* formatObject(verb, value, nesting);
  return verb.letter === 't' || verb.letter === 'v' ? pad(verb, String(value)) : misfit(verb, value);
}

type GoObject = Exclude<Extract<TemplateValue, object>, GoText>;

function* formatObject(verb: Verb, value: GoObject, nesting: Nesting): Generator<void, string> {
  if (value instanceof GoFunction) return verb.letter === 'v' ? value.type : misfit(verb, value);
  if (value.text !== null && 'vsxXq'.includes(verb.letter)) {
    return yield* formatString(verb, value.text, nesting.maxCharacters);
  }
  if (value instanceof GoInteger) return formatInteger(verb, value.value, value);
  return yield* new ComposedText(verb, nesting).of(value);
}

/** The text of a list, map or struct, whose elements the verb applies to. */
class ComposedText {
  readonly #verb: Verb;
  readonly #nesting: Nesting;
  readonly #isGoSyntax: boolean;
  #length = 0;
  #pauseAt = PIECE_CHARACTERS;

  constructor(verb: Verb, nesting: Nesting) {
    this.#verb = verb;
    this.#nesting = nesting;
    this.#isGoSyntax = verb.letter === 'v' && verb.flags.includes('#');
  }

  *of(value: GoSlice | GoMap | GoStruct): Generator<void, string> {
    const parts = yield* this.#parts(value);
    if (this.#isGoSyntax) return `${value.type}{${parts.join(', ')}}`;
    if (value instanceof GoSlice) return `[${parts.join(' ')}]`;
    return value instanceof GoMap ? `map[${parts.join(' ')}]` : `{${parts.join(' ')}}`;
  }

  *#parts(value: GoSlice | GoMap | GoStruct): Generator<void, readonly string[]> {
    const parts: string[] = [];
    if (value instanceof GoSlice) {
      for (const item of value.items) parts.push(yield* this.#element(item));
      return parts;
    }
    if (value instanceof GoMap) {
      for (const key of value.sortedKeys()) {
        parts.push(`${yield* this.#element(key)}:${yield* this.#element(value.entries.get(key) ?? null)}`);
      }
      return parts;
    }
    const withNames = this.#isGoSyntax || this.#verb.flags.includes('+');
    for (const [name, field] of value.fields) {
      parts.push((withNames ? `${name}:` : '') + (yield* this.#element(field)));
    }
    return parts;
  }

  /** Fails as soon as the whole gets too long: values may share parts, so that they print longer than they are. */
  *#element(value: TemplateValue): Generator<void, string> {
    const { depth, maxCharacters } = this.#nesting;
    const text = yield* formatAt(this.#verb, value, { depth: depth + 1, maxCharacters });
    this.#length += text.length + 1;
    assertTextFits(this.#length, maxCharacters);
    if (this.#length >= this.#pauseAt) {
      yield;
      this.#pauseAt = this.#length + PIECE_CHARACTERS;
    }
    return text;
  }
}

function* formatString(verb: Verb, text: string, maxCharacters: number): Generator<void, string> {
  const { letter, flags, precision } = verb;
  const cut = precision === null ? text : firstCharacters(text, precision);
  switch (letter) {
    case 'v':
      return pad(verb, flags.includes('#') ? yield* quoted(cut, { asciiOnly: false, maxCharacters }) : cut);
    case 's':
      return pad(verb, cut);
    case 'q':
      if (flags.includes('#') && canBackquote(cut)) return pad(verb, `\`${cut}\``);
      return pad(verb, yield* quoted(cut, { asciiOnly: flags.includes('+'), maxCharacters }));
    case 'x':
    case 'X':
      return pad(verb, hexOfBytes(verb, Buffer.from(text), maxCharacters));
    default:
      return misfit(verb, text);
  }
}

interface Quoting {
  readonly asciiOnly: boolean;
  readonly maxCharacters: number;
}

function* quoted(text: string, { asciiOnly, maxCharacters }: Quoting): Generator<void, string> {
  if (text.length <= PIECE_CHARACTERS) return quoteText(text, { asciiOnly });
  let inside = '';
  for (const piece of piecesOf(text)) {
    inside += quoteText(piece, { asciiOnly }).slice(1, -1);
    assertTextFits(inside.length, maxCharacters);
    yield;
  }
  return `"${inside}"`;
}

/** The first so many characters, not units, of a text. */
function firstCharacters(text: string, count: number): string {
  return text.length <= count ? text : text.slice(0, unitsOf(text, count));
}

/** How many units the first so many characters of a text have, or all where it has fewer. */
function unitsOf(text: string, characters: number): number {
  let at = 0;
  for (let count = 0; count < characters && at < text.length; count++) {
    at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  }
  return at;
}

function hexOfBytes({ letter, flags, precision }: Verb, bytes: Buffer, maxCharacters: number): string {
  const shownBytes = bytes.subarray(0, precision ?? bytes.length);
  if (shownBytes.length === 0) return '';
  const spaced = flags.includes(' ');
  const prefix = flags.includes('#') ? '0x' : '';
  assertTextFits(shownBytes.length * (spaced ? 3 : 2), maxCharacters);
  const hex = shownBytes.toString('hex');
  const text = prefix + (spaced ? hex.replaceAll(/..(?=.)/g, `$& ${prefix}`) : hex);
  return letter === 'X' ? text.toUpperCase() : text;
}

const INTEGER_BASES: Readonly<Record<string, { readonly base: number; readonly prefix: string }>> = {
  d: { base: 10, prefix: '' },
  v: { base: 10, prefix: '' },
  b: { base: 2, prefix: '0b' },
  o: { base: 8, prefix: '0' },
  O: { base: 8, prefix: '0o' },
  x: { base: 16, prefix: '0x' },
  X: { base: 16, prefix: '0X' },
};

function formatInteger(verb: Verb, value: bigint, original: TemplateValue): string {
  const { letter, precision } = verb;
  const flags = flagsOfNumber(verb);
  const isCharacter = value >= 0n && value <= 0x10ffffn;
  const character = isCharacter ? String.fromCodePoint(Number(value)).toWellFormed() : '\uFFFD';
  if (letter === 'c') return pad(verb, character);
  if (letter === 'q') return pad(verb, quoteText(character, { mark: "'", asciiOnly: flags.includes('+') }));
  if (letter === 'U') return pad(verb, unicodeName(verb, value, character), 'text without zeros');
  const notation = Object.hasOwn(INTEGER_BASES, letter) ? INTEGER_BASES[letter] : undefined;
  if (notation === undefined) return misfit(verb, original);
  if (precision === 0 && value === 0n) return ' '.repeat(verb.width ?? 0);
  const magnitude = (value < 0n ? -value : value).toString(notation.base);
  const digits = (letter === 'X' ? magnitude.toUpperCase() : magnitude).padStart(precision ?? 0, '0');
  const isPrefixed = letter === 'O' || (flags.includes('#') && letter !== 'v');
  const text = signOf(verb, value < 0n) + (isPrefixed ? notation.prefix : '') + digits;
  return pad(verb, text, precision === null ? 'number' : 'text without zeros');
}

function unicodeName({ flags, precision }: Verb, value: bigint, character: string): string {
  const digits = BigInt.asUintN(64, value)
    .toString(16)
    .toUpperCase()
    .padStart(Math.max(4, precision ?? 0), '0');
  return `U+${digits}${flags.includes('#') ? ` '${character}'` : ''}`;
}

const DEFAULT_PRECISION = 6;

function formatNumber(verb: Verb, value: number): string {
  const text = numberText(verb, value);
  if (text === null) return misfit(verb, value);
  const isNegative = text.startsWith('-');
  const isFinite = Number.isFinite(value);
  const plain = text.replace(/^[+-]/, '');
  // Without a sign asked for, +Inf has one all the same.
  const sign = value === Infinity && !verb.flags.includes(' ') ? '+' : signOf(verb, isNegative);
  return pad(verb, sign + plain, isFinite ? 'number' : 'text without zeros');
}

function numberText({ letter, flags, precision }: Verb, value: number): string | null {
  switch (letter) {
    case 'v':
      return formatFloat(value, 'g', precision);
    case 'g':
    case 'G': {
      const text = formatFloat(value, 'g', precision);
      const shown = flags.includes('#') ? withPoint(text, precision ?? DEFAULT_PRECISION) : text;
      return letter === 'G' ? shown.replace('e', 'E') : shown;
    }
    case 'e':
    case 'E': {
      const text = formatFloat(value, 'e', precision ?? DEFAULT_PRECISION);
      return letter === 'E' ? text.replace('e', 'E') : text;
    }
    case 'f':
    case 'F':
      return formatFloat(value, 'f', precision ?? DEFAULT_PRECISION);
    case 'b': {
      if (!Number.isFinite(value)) return formatFloat(value, 'g', null);
      const { mantissa, exponent } = binaryParts(Math.abs(value));
      return `${value < 0 ? '-' : ''}${mantissa}p${exponent < 0 ? '' : '+'}${exponent}`;
    }
    case 'x':
      return hexFloat(value, precision);
    case 'X':
      return hexFloat(value, precision).toUpperCase();
    default:
      return null;
  }
}

/** `%#g` keeps its point and its zeros: `5.00000`. */
function withPoint(text: string, digits: number): string {
  const [mantissa = '', exponent] = text.split('e');
  if (!/^-?\d/.test(mantissa)) return text;
  const shown = mantissa.replace(/^[-]?0?\.?0*|\./g, '').length;
  const dotted = mantissa.includes('.') ? mantissa : `${mantissa}.`;
  return dotted + '0'.repeat(Math.max(0, digits - Math.max(1, shown))) + (exponent ? `e${exponent}` : '');
}

const FRACTION_HEX_DIGITS = 13;
const FRACTION_BITS = 52n;

/** `0x1.8p+00`, rounded to so many hexadecimal digits behind the point, from halfway to the even one. */
function hexFloat(value: number, precision: number | null): string {
  if (!Number.isFinite(value)) return formatFloat(value, 'g', null);
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  if (value === 0) return `${sign}0x0${precision ? `.${'0'.repeat(precision)}` : ''}p+00`;
  let { mantissa, exponent } = binaryParts(Math.abs(value));
  while (mantissa < 1n << FRACTION_BITS) {
    mantissa <<= 1n;
    exponent--;
  }
  const kept = Math.min(precision ?? FRACTION_HEX_DIGITS, FRACTION_HEX_DIGITS);
  mantissa = roundBits(mantissa, BigInt(4 * (FRACTION_HEX_DIGITS - kept)));
  if (mantissa >= 1n << (FRACTION_BITS + 1n)) {
    mantissa >>= 1n;
    exponent++;
  }
  const digits = (mantissa - (1n << FRACTION_BITS)).toString(16).padStart(FRACTION_HEX_DIGITS, '0');
  const fraction =
    precision === null ? digits.replace(/0+$/, '') : digits.slice(0, kept).padEnd(precision, '0');
  const power = exponent + Number(FRACTION_BITS);
  const powerText = `${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  return `${sign}0x1${fraction === '' ? '' : `.${fraction}`}p${powerText}`;
}

/** Clears the lowest bits. */
function roundBits(value: bigint, bits: bigint): bigint {
  const unit = 1n << bits;
  const rest = value % unit;
  const isOdd = (value >> bits) % 2n === 1n;
  const up = rest * 2n > unit || (rest * 2n === unit && isOdd);
  return value - rest + (up ? unit : 0n);
}

function signOf(verb: Verb, isNegative: boolean): string {
  const flags = flagsOfNumber(verb);
  if (isNegative) return '-';
  if (flags.includes('+')) return '+';
  return flags.includes(' ') ? ' ' : '';
}

/** Fills a text up to the verb's width; zeros stand behind a number's sign. */
function pad(verb: Verb, text: string, kind: 'text' | 'number' | 'text without zeros' = 'text'): string {
  const width = verb.width ?? 0;
  if (text.length >= 2 * width) return text;
  const missing = width - charactersOf(text);
  if (missing <= 0) return text;
  if (verb.flags.includes('-')) return text + ' '.repeat(missing);
  if (kind === 'text without zeros' || !verb.flags.includes('0')) return ' '.repeat(missing) + text;
  const head = kind === 'number' ? (/^[+\- ]?/.exec(text)?.[0] ?? '') : '';
  return head + '0'.repeat(missing) + text.slice(head.length);
}

function charactersOf(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; count++) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return count;
}

/** What is no composed value: it has no parts whose number would have to be bounded. */
function misfit(verb: Verb, value: TemplateValue): string {
  if (value === null) return `%!${verb.letter}(<nil>)`;
  const flags = verb.flags.replaceAll('#', '');
  const plain = { ...verb, letter: 'v', flags, isForMessage: true } as const;
  const text = unpaced(formatVerb(plain, value, MAX_TEXT_CHARACTERS));
  return `%!${verb.letter}(${typeName(value)}=${text})`;
}

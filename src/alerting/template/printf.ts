import { formatFloat } from './go-format.ts';
import { printValue, typeName, type TemplateValue } from './value.ts';

interface Verb {
  readonly letter: string;
  readonly flags: string;
  readonly width: number | null;
  readonly precision: number | null;
}

const VERB = /%([-+# 0]*)(\d+|\*)?(?:\.(\d+|\*)?)?(.?)/gsu;
const MAX_WIDTH = 1000;

/** Go's fmt.Sprintf for the values a template can hold. Mistakes show in the text, as Go does: `%!d(string=a)`. */
export function printf(format: string, args: readonly TemplateValue[]): string {
  let next = 0;
  const takeSize = (text: string | undefined): number | null => {
    if (text === undefined) return null;
    const size = text === '*' ? Number(args[next++] ?? 0) : Number(text);
    return Math.min(Math.abs(size) || 0, MAX_WIDTH);
  };
  const text = format.replace(VERB, (...match: (string | undefined)[]) => {
    const [whole = '', flags = '', widthText, precisionText, letter = ''] = match;
    if (letter === '%') return '%';
    if (letter === '') return '%!(NOVERB)';
    const width = takeSize(widthText);
    const precision = takeSize(precisionText) ?? (whole.includes('.') ? 0 : null);
    const value = args[next++];
    if (value === undefined) return `%!${letter}(MISSING)`;
    return pad(formatVerb({ letter, flags, width, precision }, value), { letter, flags, width, precision });
  });
  if (next >= args.length) return text;
  const extra = args.slice(next).map((value) => `${typeName(value)}=${printValue(value)}`);
  return `${text}%!(EXTRA ${extra.join(', ')})`;
}

function formatVerb(verb: Verb, value: TemplateValue): string {
  switch (verb.letter) {
    case 'v':
      return withPlus(verb, value, printValue(value));
    case 's':
    case 'q':
    case 'x':
    case 'X':
      return formatText(verb, value);
    case 'd':
    case 'b':
    case 'o':
    case 'c':
    case 'U':
      return formatInteger(verb, value);
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
      return formatNumber(verb, value);
    case 't':
      return typeof value === 'boolean' ? String(value) : misfit(verb, value);
    case 'T':
      return typeName(value);
    default:
      return misfit(verb, value);
  }
}

function formatText(verb: Verb, value: TemplateValue): string {
  if (typeof value === 'bigint' && verb.letter !== 's' && verb.letter !== 'q')
    return formatInteger(verb, value);
  const isText = typeof value === 'string' || (typeof value === 'object' && value !== null);
  if (!isText) return misfit(verb, value);
  const text = printValue(value);
  const cut = verb.precision === null ? text : Array.from(text).slice(0, verb.precision).join('');
  switch (verb.letter) {
    case 'q':
      return JSON.stringify(cut);
    case 'x':
      return Buffer.from(cut).toString('hex');
    case 'X':
      return Buffer.from(cut).toString('hex').toUpperCase();
    default:
      return cut;
  }
}

function formatInteger(verb: Verb, value: TemplateValue): string {
  if (typeof value !== 'bigint') return misfit(verb, value);
  switch (verb.letter) {
    case 'b':
      return value.toString(2);
    case 'o':
      return value.toString(8);
    case 'x':
      return value.toString(16);
    case 'X':
      return value.toString(16).toUpperCase();
    case 'c':
      return value >= 0n && value <= 0x10ffffn ? String.fromCodePoint(Number(value)) : '\uFFFD';
    case 'U':
      return `U+${value.toString(16).toUpperCase().padStart(4, '0')}`;
    default:
      return withPlus(verb, value, value.toString());
  }
}

function formatNumber(verb: Verb, value: TemplateValue): string {
  if (typeof value !== 'number') return misfit(verb, value);
  const letter = verb.letter.toLowerCase();
  const form = letter === 'e' || letter === 'f' ? letter : 'g';
  const text = formatFloat(value, form, verb.precision ?? (form === 'g' ? null : 6));
  return withPlus(verb, value, verb.letter === 'E' || verb.letter === 'G' ? text.toUpperCase() : text);
}

function withPlus(verb: Verb, value: TemplateValue, text: string): string {
  if (typeof value !== 'number' && typeof value !== 'bigint') return text;
  if (text.startsWith('-') || text.startsWith('+')) return text;
  if (verb.flags.includes('+')) return `+${text}`;
  return verb.flags.includes(' ') ? ` ${text}` : text;
}

function pad(text: string, verb: Verb): string {
  const missing = (verb.width ?? 0) - Array.from(text).length;
  if (missing <= 0) return text;
  if (verb.flags.includes('-')) return text + ' '.repeat(missing);
  if (!verb.flags.includes('0') || verb.letter === 's' || verb.letter === 'q')
    return ' '.repeat(missing) + text;
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  return sign + '0'.repeat(missing) + text.slice(sign.length);
}

function misfit(verb: Verb, value: TemplateValue): string {
  if (value === null) return `%!${verb.letter}(<nil>)`;
  return `%!${verb.letter}(${typeName(value)}=${printValue(value)})`;
}

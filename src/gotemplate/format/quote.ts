/** What Go's unicode.IsPrint holds: letters, marks, numbers, punctuation, symbols and the space. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\u0007', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
  ['\\', '\\\\'],
]);

export function isPrintable(character: string): boolean {
  return PRINTABLE.test(character);
}

/** A text or character in quotes, as Go's strconv.Quote writes it. */
export function quoteText(
  text: string,
  { mark = '"', asciiOnly = false }: { readonly mark?: '"' | "'"; readonly asciiOnly?: boolean } = {},
): string {
  const inside = Array.from(text.toWellFormed(), (character) => {
    if (character === mark) return `\\${mark}`;
    const short = SHORT_ESCAPES.get(character);
    if (short !== undefined) return short;
    const point = character.codePointAt(0) ?? 0;
    const isPlain = asciiOnly ? point >= 0x20 && point < 0x7f : isPrintable(character);
    if (isPlain) return character;
    if (point < 0x80) return `\\x${hex(point, 2)}`;
    return point <= 0xffff ? `\\u${hex(point, 4)}` : `\\U${hex(point, 8)}`;
  });
  return mark + inside.join('') + mark;
}

/** Whether a text can stand between backquotes as it is, on one line. */
export function canBackquote(text: string): boolean {
  return Array.from(text).every((character) => {
    const point = character.codePointAt(0) ?? 0;
    const isControl = (point < 0x20 && character !== '\t') || point === 0x7f;
    return !isControl && character !== '`' && point !== 0xfeff && point !== 0xfffd;
  });
}

function hex(point: number, digits: number): string {
  return point.toString(16).padStart(digits, '0');
}

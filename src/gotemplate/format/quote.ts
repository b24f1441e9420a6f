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

/** A text or character in quotes, as Go's strconv.Quote writes it. */
export function quoteText(
  text: string,
  { mark = '"', asciiOnly = false }: { readonly mark?: '"' | "'"; readonly asciiOnly?: boolean } = {},
): string {
  const inside = text.toWellFormed().replace(asciiOnly ? BEYOND_ASCII : UNPRINTABLE, (character) => {
    if (character === mark) return `\\${mark}`;
    if (character === '"' || character === "'") return character;
    const short = SHORT_ESCAPES.get(character);
    if (short !== undefined) return short;
    const point = character.codePointAt(0) ?? 0;
    if (point < 0x80) return `\\x${hex(point, 2)}`;
    return point <= 0xffff ? `\\u${hex(point, 4)}` : `\\U${hex(point, 8)}`;
  });
  return mark + inside + mark;
}

/**
 * What is escaped, and what may be the mark: all but what Go's unicode.IsPrint holds, which is letters, marks, numbers, punctuation,
 * symbols and the space.
 */
const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]|[\\"']/gu;
const BEYOND_ASCII = /[^ -~]|[\\"']/gu;

/** Whether a text can stand between backquotes as it is, on one line. */
export function canBackquote(text: string): boolean {
  return !NOT_BETWEEN_BACKQUOTES.test(text);
}

// oxlint-disable-next-line no-control-regex -- all of them but the tabulator
const NOT_BETWEEN_BACKQUOTES = /[\0-\x08\x0a-\x1f\x7f`\ufeff\ufffd]/;

function hex(point: number, digits: number): string {
  return point.toString(16).padStart(digits, '0');
}

/** What stands in the place of what was cut off. */
const MARK = '…';

/** The first so many characters (code points) of a text; where it has more the last one is `…`, as Alertmanager cuts. */
export function truncateCharacters(text: string, max: number): string {
  // A text has at most as many code points as code units.
  if (text.length <= max) return text;
  // A long one is not looked through: so many code units have more than enough.
  const characters = Array.from(text.slice(0, 2 * max + 2));
  if (characters.length <= max) return text;
  if (max <= 3) return characters.slice(0, max).join('');
  return `${characters.slice(0, max - 1).join('')}${MARK}`;
}

/** As `truncateCharacters`, by bytes of UTF-8; no character is cut in two. */
export function truncateBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  const markBytes = Buffer.byteLength(MARK);
  if (maxBytes < markBytes) return '.'.repeat(Math.max(maxBytes, 0));
  let end = maxBytes - markBytes;
  // Bytes in the middle of a character begin with 10.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return `${bytes.subarray(0, end).toString('utf8')}${MARK}`;
}

import { isPrintable } from '../format/quote.ts';

const HTML: ReadonlyMap<string, string> = new Map([
  ['\0', '\uFFFD'],
  ['"', '&#34;'],
  ["'", '&#39;'],
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
]);

/** Go's template.HTMLEscapeString. */
export function escapeHtml(text: string): string {
  // oxlint-disable-next-line no-control-regex -- Go replaces NUL
  return text.replace(/[\0"'&<>]/g, (mark) => HTML.get(mark) ?? mark);
}

const SCRIPT: ReadonlyMap<string, string> = new Map([
  ['\\', '\\\\'],
  ["'", "\\'"],
  ['"', '\\"'],
]);

/** Go's template.JSEscapeString: a text to stand inside a JavaScript string. */
export function escapeScript(text: string): string {
  return Array.from(text, (character) => {
    const short = SCRIPT.get(character);
    if (short !== undefined) return short;
    if (isPrintable(character) && !'<>&='.includes(character)) return character;
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  }).join('');
}

/** Go's url.QueryEscape: a space is a plus, and only letters, digits and `-_.~` stay. */
export function escapeQuery(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}

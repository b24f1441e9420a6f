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
  return text.replace(UNSAFE_IN_SCRIPT, (character) => {
    const short = SCRIPT.get(character);
    if (short !== undefined) return short;
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  });
}

/** What Go does not take for printable, and what could end the text or the script. */
const UNSAFE_IN_SCRIPT = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]|[\\'"<>&=]/gu;

/** Go's url.QueryEscape: a space is a plus, and only letters, digits and `-_.~` stay. */
export function escapeQuery(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}

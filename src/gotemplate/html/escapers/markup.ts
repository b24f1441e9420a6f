import { attributeKind } from '../attribute-kinds.ts';
import { withoutTags } from '../markup.ts';
import { REFUSED } from './refused.ts';

const MARKS: Readonly<Record<string, string>> = {
  '\0': '\uFFFD',
  '"': '&#34;',
  '&': '&amp;',
  "'": '&#39;',
  '+': '&#43;',
  '<': '&lt;',
  '>': '&gt;',
};

const replaceMarks =
  (pattern: RegExp, marks: Readonly<Record<string, string>>) =>
  (text: string): string =>
    text.replace(pattern, (mark) => marks[mark] ?? mark);

/** For text, and for attributes in quotes. */
// oxlint-disable-next-line no-control-regex -- Go replaces NUL
export const escapeText = replaceMarks(/[\0"&'+<>]/g, MARKS);
/** As `escapeText`, of what is HTML already: its entities stay. */
// oxlint-disable-next-line no-control-regex -- Go replaces NUL
const escapeTags = replaceMarks(/[\0"'+<>]/g, MARKS);

/** HTML as the value of an attribute in quotes. */
export function htmlInAttribute(html: string): string {
  return escapeTags(withoutTags(html));
}

/** HTML in `<title>` and `<textarea>`, which have no tags. */
export function htmlAsPlainText(html: string): string {
  return escapeTags(html);
}

/** What would end the value of an attribute without quotes, and what some browsers take for an end of it. */
// oxlint-disable-next-line no-control-regex -- NUL and white space among them
const UNQUOTED = /[\0\t\n\v\f\r "&'+<=>`\uFDD0-\uFDEF\uFFF0-\uFFFF]/g;

function escapeUnquotedMark(mark: string): string {
  if (mark === '&') return '&amp;';
  if (mark === '<') return '&lt;';
  if (mark === '>') return '&gt;';
  const point = mark.charCodeAt(0);
  if (point === 0) return '&#xfffd;';
  return point < 0x80 ? `&#${point};` : `&#x${point.toString(16)};`;
}

/** For the value of an attribute without quotes, which can't be empty. */
export function escapeUnquoted(text: string): string {
  return text === '' ? REFUSED : text.replace(UNQUOTED, escapeUnquotedMark);
}

export function htmlInUnquoted(html: string): string {
  if (html === '') return REFUSED;
  return withoutTags(html).replace(UNQUOTED, (mark) => (mark === '&' ? mark : escapeUnquotedMark(mark)));
}

/** A part of an attribute's name: one that decides nothing. */
export function filterName(text: string): string {
  const name = text.toLowerCase();
  return /^[a-z0-9]+$/.test(name) && attributeKind(name) === 'plain' ? name : REFUSED;
}

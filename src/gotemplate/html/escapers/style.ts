import { decodeStyle } from '../style-escapes.ts';
import { REFUSED } from './refused.ts';

/** A value of a style: a number, a word, a colour. What could end it or run something does not pass. */
export function filterStyleValue(value: string): string {
  const text = decodeStyle(value);
  // oxlint-disable-next-line no-control-regex -- NUL among them
  if (/[\0"'()/;@[\\\]`{}<>]|--/.test(text)) return REFUSED;
  const letters = text.replace(/[^a-zA-Z0-9_-]/g, '').toLowerCase();
  return letters.includes('expression') || letters.includes('mozbinding') ? REFUSED : text;
}

// oxlint-disable-next-line no-control-regex -- NUL and white space among them
const TEXT_MARKS = /[\0\t\n\f\r"&'()+/:;<>\\{}]/g;

/** For a text in quotes in a style. */
export function escapeStyleText(text: string): string {
  return text.replace(TEXT_MARKS, (mark, at: number) => {
    if (mark === '\\') return '\\\\';
    const next = text.charAt(at + 1);
    // A digit or a space behind it would be taken for a part of the escape.
    const gap = next === '' || /[0-9a-fA-F \t\n\f\r]/.test(next) ? ' ' : '';
    return `\\${mark.charCodeAt(0).toString(16)}${gap}`;
  });
}

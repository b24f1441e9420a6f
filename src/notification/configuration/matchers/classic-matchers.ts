import { type Matcher, type MatchOperator, messageOf } from '#telemetry';
import { createAlertMatcher } from './alert-matcher.ts';
import { MatcherSyntaxError } from './matcher-syntax-error.ts';

const MATCHER = /^[\t\n\f\r ]*([a-zA-Z_:][a-zA-Z0-9_:]*)[\t\n\f\r ]*(=~|=|!=|!~)(.*)$/s;
/** What surrounds the tokens of a matcher. */
const BLANK = /[\t\n\f\r ]/;
/** What surrounds the last matcher. */
const SPACE = /\p{White_Space}/u;

/**
 * Matchers as Alertmanager read them before 0.27: tolerant of what has no quotes, `{foo=bar baz, job=~web.*}`; names are those
 * of metrics.
 * @throws MatcherSyntaxError
 */
export function parseClassicMatchers(input: string): Matcher[] {
  const text = input.replace(/^\{/, '').replace(/\}$/, '');
  return splitAtCommas(text).map(parseClassicMatcher);
}

function splitAtCommas(text: string): string[] {
  const parts: string[] = [];
  let part = '';
  let isQuoted = false;
  let isEscaped = false;
  for (const character of text) {
    if (character === ',' && !isQuoted) {
      parts.push(part);
      part = '';
      continue;
    }
    if (character === '"') {
      if (!isEscaped) isQuoted = !isQuoted;
      isEscaped = false;
    } else {
      // A comma within quotes leaves it as it was.
      isEscaped = character === '\\' ? !isEscaped : character === ',' && isEscaped;
    }
    part += character;
  }
  const last = trimmed(part, SPACE);
  return last === '' ? parts : [...parts, last];
}

/** @throws MatcherSyntaxError */
export function parseClassicMatcher(input: string): Matcher {
  const match = MATCHER.exec(input);
  if (!match) throw new MatcherSyntaxError(`bad matcher format: ${input}`);
  const [, name = '', operator, value = ''] = match;
  try {
    return createAlertMatcher(name, operator as MatchOperator, unescape(trimmed(value, BLANK)));
  } catch (thrown) {
    throw thrown instanceof MatcherSyntaxError ? thrown : new MatcherSyntaxError(messageOf(thrown));
  }
}

/** `\n`, `\"` and `\\` are escapes, with quotes around or without; another backslash is one. */
function unescape(written: string): string {
  const isQuoted = written.startsWith('"');
  const isClosed = isQuoted && /^"(?:[^"\\]|\\.)*"$/s.test(written);
  const inside = isQuoted ? written.slice(1, isClosed ? -1 : undefined) : written;
  if ((isQuoted && !isClosed) || /^(?:[^"\\]|\\.)*"/s.test(inside)) {
    throw new MatcherSyntaxError(`matcher value contains unescaped double quote: ${written}`);
  }
  return inside.replaceAll(/\\([n"\\])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
}

/** In one pass: a regular expression would look at each run of spaces once for each of them. */
function trimmed(text: string, space: RegExp): string {
  let start = 0;
  let end = text.length;
  while (start < end && space.test(text.charAt(start))) start++;
  while (end > start && space.test(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}

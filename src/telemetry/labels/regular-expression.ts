import { RE2JS } from 're2js';

/**
 * The largest regular expression that is compiled, by `regexSize`; what is read as one text, a query for one, may have
 * no more than this in sum. Compiling is one piece of work of some microseconds a step, and so is matching a value.
 */
export const maxRegexSize = 10_000;

/** A class of Unicode has hundreds of ranges, each of which is copied and looked at. */
const UNICODE_CLASS_SIZE = 32;
/** A group notes where it begins and ends. */
const GROUP_SIZE = 2;
const REPETITION = /\{(\d+)(?:(,)(\d*))?\}/y;
const GROUP_PREFIX = /\?(?:P?<\w*>|[a-zA-Z-]*:?)/y;
const UNICODE_CLASS = /[pP](?:\{[^}]*\}|.)/y;
const ESCAPED_CODE = /x\{[^}]*\}/y;
const BRACKETS = /\[\^?\]?(?:\[:\^?\w*:\]|\\[^]|[^\]\\])*\]?/y;

/** More text than this is not shown in a message. */
const SHOWN_LENGTH = 60;

/**
 * Compiles a regular expression of RE2: the only place that does.
 * @param dot whether `.` stands for a newline, too, as in matchers
 * @throws RegexTooLarge, and the syntax error of a broken one
 */
export function compileRegex(pattern: string, dot: 'any' | 'in_line'): RE2JS {
  checkRegexSize(regexSize(pattern), pattern);
  return RE2JS.compile(pattern, dot === 'any' ? RE2JS.DOTALL : 0);
}

export class RegexTooLarge extends Error {}

/** @throws RegexTooLarge, naming the expression with which a sum of sizes became too large */
export function checkRegexSize(size: number, pattern: string): void {
  if (size <= maxRegexSize) return;
  const shown = pattern.length > SHOWN_LENGTH ? `${pattern.slice(0, SHOWN_LENGTH)}…` : pattern;
  throw new RegexTooLarge(
    `the regular expression ${JSON.stringify(shown)} is too large: size ${size}, more than maxRegexSize (${maxRegexSize})`,
  );
}

/**
 * About how many steps the program of an expression has, from its text alone: a character or class is one, what is
 * repeated `{n}` times is there n times. Of a broken expression any number.
 */
export function regexSize(pattern: string): number {
  const outer: number[] = [];
  let sum = 0;
  /** Of what a repetition that comes next would repeat. */
  let last = 0;
  let at = 0;
  const isNext = (expected: RegExp): RegExpExecArray | null => {
    expected.lastIndex = at;
    return expected.exec(pattern);
  };
  while (at < pattern.length) {
    const character = pattern[at];
    const repetition = character === '{' ? isNext(REPETITION) : null;
    if (repetition) {
      last *= timesOf(repetition);
      at += repetition[0].length;
      continue;
    }
    at++;
    if (character === '*' || character === '+' || character === '?') {
      last++;
      continue;
    }
    if (character === ')') {
      last = sum + last + GROUP_SIZE;
      sum = outer.pop() ?? 0;
      continue;
    }
    sum += last;
    last = 1;
    if (character === '(') {
      outer.push(sum);
      at += isNext(GROUP_PREFIX)?.[0].length ?? 0;
      sum = 0;
      last = 0;
    } else if (character === '[') {
      at--;
      const brackets = isNext(BRACKETS)?.[0] ?? '[';
      at += brackets.length;
      last += UNICODE_CLASS_SIZE * (brackets.split(/\\[pP]/).length - 1);
    } else if (character === '\\') {
      const unicode = isNext(UNICODE_CLASS);
      const code = unicode ?? isNext(ESCAPED_CODE);
      if (unicode) last = UNICODE_CLASS_SIZE;
      at += code?.[0].length ?? 1;
    }
  }
  return outer.reduce((total, part) => total + part, sum + last);
}

function timesOf([, least = '', hasMost, most = '']: RegExpExecArray): number {
  // `{n,}` is n times and once more as often as wanted.
  if (hasMost === undefined) return Math.max(1, Number(least));
  return Math.max(1, most === '' ? Number(least) + 1 : Number(most));
}

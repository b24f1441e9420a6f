import type { Matcher } from '#telemetry';
import { sameMatchers } from './alert-matcher.ts';
import { parseClassicMatcher, parseClassicMatchers } from './classic-matchers.ts';
import { formatMatcher } from './format-matcher.ts';
import { MatcherSyntaxError } from './matcher-syntax-error.ts';
import { parseUtf8Matchers } from './utf8-matchers.ts';

/**
 * How matchers are read: by the UTF-8 grammar, by the classic one, or (`fallback`, Alertmanager's default) by the UTF-8 grammar
 * with what only the classic one reads, or reads otherwise, taken from there with a warning.
 */
export const MATCHER_MODES = ['fallback', 'utf8-strict', 'classic'] as const;

export type MatcherMode = (typeof MATCHER_MODES)[number];

export interface MatcherReading {
  readonly mode?: MatcherMode;
  /** Hears of what should be written otherwise: one sentence, without the place in the file. */
  readonly warn?: (text: string) => void;
}

/**
 * Zero or more matchers, with braces or without.
 * @throws MatcherSyntaxError
 */
export function parseMatchers(input: string, reading: MatcherReading = {}): Matcher[] {
  return parse(input, reading, parseUtf8Matchers, parseClassicMatchers);
}

/**
 * One matcher, without braces.
 * @throws MatcherSyntaxError
 */
export function parseMatcher(input: string, reading: MatcherReading = {}): Matcher {
  if (reading.mode !== 'classic' && (input.startsWith('{') || input.endsWith('}'))) {
    throw new MatcherSyntaxError(`unexpected open or close brace: ${input}`);
  }
  const [matcher] = parse(input, reading, parseOneUtf8Matcher, (text) => [parseClassicMatcher(text)]);
  if (!matcher) throw new MatcherSyntaxError('no matchers');
  return matcher;
}

function parseOneUtf8Matcher(input: string): Matcher[] {
  const matchers = parseUtf8Matchers(input);
  if (matchers.length === 0) throw new MatcherSyntaxError('no matchers');
  if (matchers.length > 1) throw new MatcherSyntaxError(`expected 1 matcher, found ${matchers.length}`);
  return matchers;
}

type Parser = (input: string) => Matcher[];

function parse(
  input: string,
  { mode = 'fallback', warn }: MatcherReading,
  utf8: Parser,
  classic: Parser,
): Matcher[] {
  if (mode === 'utf8-strict') return utf8(input);
  if (mode === 'classic') return classic(input);
  const read = attempt(utf8, input);
  const readClassic = attempt(classic, input);
  if (read instanceof MatcherSyntaxError) {
    if (readClassic instanceof MatcherSyntaxError) throw readClassic;
    const suggestion = readClassic.map(formatMatcher).join();
    warn?.(
      `matchers ${quoted(input)} are read by the classic grammar alone: write ${suggestion} (${read.message})`,
    );
    return readClassic;
  }
  if (readClassic instanceof MatcherSyntaxError || sameMatchers(read, readClassic)) return read;
  warn?.(
    `matchers ${quoted(input)} mean different things in the classic and the UTF-8 grammar: they are read as ` +
      `${readClassic.map(formatMatcher).join()}, not as ${read.map(formatMatcher).join()}`,
  );
  return readClassic;
}

function attempt(parser: Parser, input: string): Matcher[] | MatcherSyntaxError {
  try {
    return parser(input);
  } catch (thrown) {
    if (thrown instanceof MatcherSyntaxError) return thrown;
    throw thrown;
  }
}

function quoted(input: string): string {
  return `'${input}'`;
}

const CLASSIC_LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Whether a label may be called so. */
export function isLabelName(name: string, mode: MatcherMode = 'fallback'): boolean {
  return mode === 'classic' ? CLASSIC_LABEL_NAME.test(name) : name !== '' && name.isWellFormed();
}

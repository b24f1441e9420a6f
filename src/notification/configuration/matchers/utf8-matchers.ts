import { unquoteText } from '#gotemplate';
import { type Matcher, type MatchOperator, messageOf } from '#telemetry';
import { createAlertMatcher } from './alert-matcher.ts';
import { MatcherLexer, type Token, type TokenKind } from './lexer.ts';
import { MatcherSyntaxError } from './matcher-syntax-error.ts';

const OPERATORS: readonly TokenKind[] = ['=', '!=', '=~', '!~'];
const WORDS: readonly TokenKind[] = ['quoted', 'unquoted'];
const END_OF_INPUT = 'end of input';

/**
 * Matchers in Alertmanager's UTF-8 grammar: `{foo="bar", "name of any kind"=~"a|b"}`; the braces and a comma at the end may
 * stand or not, words without reserved characters need no quotes.
 * @throws MatcherSyntaxError
 */
export function parseUtf8Matchers(input: string): Matcher[] {
  const lexer = new MatcherLexer(input);
  const matchers: Matcher[] = [];
  const hasOpenBrace = lexer.peek().kind === '{';
  if (hasOpenBrace) lexer.take();
  const next = lexer.peek().kind;
  if (next === 'end' && !hasOpenBrace) return matchers;
  if (next !== 'end' && next !== '}') readMatchers(lexer, matchers);
  readCloseBrace(lexer, hasOpenBrace);
  const { kind, start, end, text } = orSay(() => lexer.take(), 'expected end of input');
  if (kind === 'end') return matchers;
  throw new MatcherSyntaxError(`${start}:${end}: ${text}: expected end of input`);
}

/** Up to the end of the input, or a closing brace. */
function readMatchers(lexer: MatcherLexer, matchers: Matcher[]): void {
  for (;;) {
    matchers.push(readMatcher(lexer));
    const separator = orSay(() => peekOneOf(lexer, [',', '}', 'end']), 'expected a comma or close brace');
    if (separator.kind !== ',') return;
    lexer.take();
    const allowed: readonly TokenKind[] = ['}', 'end', ...WORDS];
    const next = orSay(() => peekOneOf(lexer, allowed), 'expected a matcher or close brace after comma');
    if (next.kind === '}' || next.kind === 'end') return;
  }
}

function readMatcher(lexer: MatcherLexer): Matcher {
  const name = readWord(lexer, 'expected label name');
  const operator = orSay(
    () => takeOneOf(lexer, OPERATORS),
    "expected an operator such as '=', '!=', '=~' or '!~'",
  ).kind;
  const value = readWord(lexer, 'expected label value');
  try {
    return createAlertMatcher(name, operator as MatchOperator, value);
  } catch (thrown) {
    throw new MatcherSyntaxError(`failed to create matcher: ${messageOf(thrown)}`);
  }
}

function readWord(lexer: MatcherLexer, expectation: string): string {
  const { kind, start, end, text } = orSay(() => takeOneOf(lexer, WORDS), expectation);
  if (kind === 'unquoted') return text;
  const unquoted = unquoteText(text);
  if (unquoted === null) throw new MatcherSyntaxError(`${start}:${end}: ${text}: invalid input`);
  return unquoted;
}

function readCloseBrace(lexer: MatcherLexer, hasOpenBrace: boolean): void {
  if (!hasOpenBrace) {
    if (lexer.peek().kind !== '}') return;
    lexer.take();
    throw new MatcherSyntaxError(`0:${lexer.column}: }: expected opening brace`);
  }
  try {
    takeOneOf(lexer, ['}']);
  } catch (thrown) {
    throw new MatcherSyntaxError(`0:${lexer.column}: ${messageOf(thrown)}: expected close brace`);
  }
}

function takeOneOf(lexer: MatcherLexer, kinds: readonly TokenKind[]): Token {
  const token = peekOneOf(lexer, kinds);
  lexer.take();
  return token;
}

function peekOneOf(lexer: MatcherLexer, kinds: readonly TokenKind[]): Token {
  const token = lexer.peek();
  if (kinds.includes(token.kind)) return token;
  if (token.kind === 'end') throw new MatcherSyntaxError(END_OF_INPUT);
  throw new MatcherSyntaxError(`${token.start}:${token.end}: unexpected ${token.text}`);
}

function orSay<T>(read: () => T, expectation: string): T {
  try {
    return read();
  } catch (thrown) {
    throw new MatcherSyntaxError(`${messageOf(thrown)}: ${expectation}`);
  }
}

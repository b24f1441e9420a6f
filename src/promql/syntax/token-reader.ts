import { type Matcher, OmoiError, RegexSum } from '#telemetry';
import type { PromqlFeature, PromqlFeatures } from './features.ts';
import { describeToken } from './keywords.ts';
import { Lexer, type Token, type TokenKind } from './lexer.ts';
import { syntaxError } from './position.ts';

/** What a selector's braces hold, as Prometheus names it. */
export const LABEL_MATCHING = 'label matching';

/**
 * Names, numbers, operators, brackets and commas of one query. What is read, checked, planned or printed for a query is
 * done in one go, and costs what it has of these: a few milliseconds. A regular expression is one, however long.
 */
export const maxQueryTokens = 10_000;

/** Reads tokens with one token of lookahead. */
export class TokenReader {
  readonly text: string;
  readonly features: PromqlFeatures;
  readonly #lexer: Lexer;
  #tokensLeft: number;
  readonly #regexes = new RegexSum();
  #current: Token;
  #previousEnd = 0;

  /** @param maxTokens how many tokens are consumed before `query_limit` is thrown */
  constructor(text: string, maxTokens: number, features: PromqlFeatures) {
    this.text = text;
    this.features = features;
    this.#tokensLeft = maxTokens;
    this.#lexer = new Lexer(text);
    this.#current = this.#lexer.next();
  }

  /** The next token, not consumed yet. */
  get current(): Token {
    return this.#current;
  }

  /** The kind of the next token. */
  kind(): TokenKind {
    return this.#current.kind;
  }

  /** Where the last consumed token ended. */
  get previousEnd(): number {
    return this.#previousEnd;
  }

  /** The first character behind the current token. */
  peekCharacter(): string {
    return this.#lexer.peekCharacter();
  }

  /** The word behind the current token, in lower case; '' where there is none. */
  peekWord(): string {
    return this.#lexer.peekWord();
  }

  /** @throws OmoiError `query_limit` where the text has too many tokens */
  advance(): Token {
    const token = this.#current;
    if (--this.#tokensLeft < 0) throw tooManyTokens();
    this.#previousEnd = token.end;
    this.#current = this.#lexer.next();
    return token;
  }

  /** Whether the current token is this punctuation mark or operator. */
  at(mark: string): boolean {
    const { kind, text } = this.#current;
    return (kind === 'punctuation' || kind === 'operator') && text === mark;
  }

  /** Whether the current token is this word, which is given in lower case, in any case. */
  atWord(word: string): boolean {
    return this.#current.word === word;
  }

  /** Consumes the mark if it comes next. */
  skip(mark: string): boolean {
    if (!this.at(mark)) return false;
    this.advance();
    return true;
  }

  /** Consumes the word if it comes next. */
  skipWord(word: string): boolean {
    if (!this.atWord(word)) return false;
    this.advance();
    return true;
  }

  /** Counts the regular expression of a matcher. @throws RegexTooLarge where the text has too much of them */
  spendRegex(matcher: Pick<Matcher, 'operator' | 'value'>): void {
    this.#regexes.add(matcher);
  }

  /** @throws OmoiError `query_invalid` about the current token */
  unexpected(context = '', expected = ''): never {
    const token = this.#current;
    if (token.kind === 'error') this.fail(token.start, token.text);
    const where = context === '' ? '' : ` in ${context}`;
    const instead = expected === '' ? '' : `, expected ${expected}`;
    this.fail(
      token.start,
      `unexpected ${describeToken(token, context === LABEL_MATCHING)}${where}${instead}`,
    );
  }

  /** @throws OmoiError `query_invalid` at an offset */
  fail(offset: number, problem: string): never {
    throw syntaxError(this.text, offset, problem);
  }
}

/**
 * @param what as it stands before "is experimental": the message says how to have it
 * @throws OmoiError `query_invalid` about the current token where the feature is off
 */
export function requireFeature(reader: TokenReader, feature: PromqlFeature, what: string): void {
  if (reader.features.has(feature)) return;
  reader.fail(
    reader.current.start,
    `${what} is experimental and not enabled: name "${feature}" in \`promql.features\` of the configuration`,
  );
}

function tooManyTokens(): OmoiError {
  return new OmoiError(
    'query_limit',
    `the query has more than maxQueryTokens (${maxQueryTokens}) names, numbers, operators and brackets: ` +
      'ask for its parts one by one, or write many values of a label as one regular expression',
    { limit: 'maxQueryTokens', value: maxQueryTokens },
  );
}

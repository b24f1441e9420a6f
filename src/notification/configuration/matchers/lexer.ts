import { MatcherSyntaxError } from './matcher-syntax-error.ts';

/** What ends a word without quotes. */
export const RESERVED = /[\p{White_Space}{}!=~,\\"'`]/u;
const SPACE = /\p{White_Space}/u;

export type TokenKind = 'end' | '{' | '}' | ',' | '=' | '!=' | '=~' | '!~' | 'quoted' | 'unquoted';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** Characters before it, and up to its end. */
  readonly start: number;
  readonly end: number;
}

/** Reads the tokens of matchers in Alertmanager's UTF-8 grammar. Columns count characters from 0. */
export class MatcherLexer {
  readonly #characters: readonly string[];
  /** The end of the token that was taken last. */
  #at = 0;
  #peeked: Token | null = null;
  #peekedEnd = 0;

  constructor(input: string) {
    this.#characters = Array.from(input);
  }

  /** Where the last token that was taken ends. */
  get column(): number {
    return this.#at;
  }

  /** @throws MatcherSyntaxError where no token begins */
  peek(): Token {
    if (!this.#peeked) {
      this.#peeked = this.#read(this.#at);
      this.#peekedEnd = this.#peeked.end;
    }
    return this.#peeked;
  }

  take(): Token {
    const token = this.peek();
    this.#at = this.#peekedEnd;
    this.#peeked = null;
    return token;
  }

  #read(from: number): Token {
    let start = from;
    while (start < this.#characters.length && SPACE.test(this.#character(start))) start++;
    if (start === this.#characters.length) return { kind: 'end', text: '', start, end: start };
    const first = this.#character(start);
    if (first === '{' || first === '}' || first === ',') return this.#token(first, start, start + 1);
    if (first === '=' || first === '!') return this.#operator(start);
    if (first === '"') return this.#quoted(start);
    if (RESERVED.test(first)) throw this.#error(start, start + 1, 'invalid input');
    let end = start + 1;
    while (end < this.#characters.length && !RESERVED.test(this.#character(end))) end++;
    return this.#token('unquoted', start, end);
  }

  #operator(start: number): Token {
    const text = this.#character(start) + this.#character(start + 1);
    if (text === '!=' || text === '=~' || text === '!~') return this.#token(text, start, start + 2);
    if (text.startsWith('=')) return this.#token('=', start, start + 1);
    if (text === '!') {
      const place = `${start}:${start + 1}`;
      throw new MatcherSyntaxError(`${place}: unexpected end of input, expected one of '=~'`);
    }
    throw this.#error(start, start + 1, "expected one of '=~'");
  }

  #quoted(start: number): Token {
    let end = start + 1;
    while (end < this.#characters.length && this.#character(end) !== '"') {
      end += this.#character(end) === '\\' ? 2 : 1;
    }
    if (end >= this.#characters.length) throw this.#error(start, this.#characters.length, 'missing end "');
    return this.#token('quoted', start, end + 1);
  }

  #character(at: number): string {
    return this.#characters[at] ?? '';
  }

  #token(kind: TokenKind, start: number, end: number): Token {
    return { kind, text: this.#characters.slice(start, end).join(''), start, end };
  }

  #error(start: number, end: number, problem: string): MatcherSyntaxError {
    const text = this.#characters.slice(start, end).join('');
    return new MatcherSyntaxError(`${start}:${end}: ${text}: ${problem}`);
  }
}

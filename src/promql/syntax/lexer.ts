import { scanMisspeltNumber } from './number-scan.ts';
import { quote } from './text-literals.ts';

/**
 * Tokens of a query. Words are not told apart into keywords and names here: which word is a keyword depends on
 * where it stands (inside braces none is, as a grouping label nearly all are names), which only the parser knows.
 */
export type TokenKind =
  | 'word'
  | 'number'
  | 'duration'
  | 'string'
  | 'operator'
  | 'punctuation'
  | 'end'
  | 'error';

export interface Token {
  readonly kind: TokenKind;
  /** As written; of an error, what is wrong. */
  readonly text: string;
  /** A word in lower case, as keywords are told apart; '' of all else. */
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

const SPACE = /[ \t\r\n]+/y;
const COMMENT = /#[^\r\n]*/y;
const WORD = /[A-Za-z_][A-Za-z0-9_:]*|:[A-Za-z0-9_:]*/y;
const PLAIN_WORD = /[A-Za-z_][A-Za-z0-9_]*/y;
const OPERATOR = /==|!=|=~|!~|<=|<\/|>=|>\/|[-+*/%^<>=@]/y;
const DURATION = /\d+(?:ms|[smhdwy])(?:\d+(?:ms|[smhdw]))*(?![A-Za-z0-9_])/y;
const HEXADECIMAL = /0[xX]_?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*(?![A-Za-z0-9_.])/y;
const DECIMAL =
  /(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?(?![A-Za-z0-9_.])/y;
const LETTERS = /[A-Za-z_]+/y;
/** What stands in a string up to its end or the next character that means something else, by its quote. */
const STRING_RUNS = { '"': /[^"\\\n]+/y, "'": /[^'\\\n]+/y, '`': /[^`]+/y } as const;
/** Blanks and what begins a comment have no larger code, and little else has one as small. */
const LARGEST_BLANK = '#'.charCodeAt(0);
/** The words of duration expressions, which alone may stand in brackets. */
const DURATION_WORDS: ReadonlySet<string> = new Set(['step', 'range', 'max_of', 'min_of']);

/**
 * Cuts a query into tokens on demand. After an error or the end it keeps answering with that token. A query is often the
 * first of its process, and up to 10,000 tokens are cut in one go: what most of them need is told by codes of characters.
 */
export class Lexer {
  readonly #text: string;
  #at = 0;
  #parenthesisDepth = 0;
  #inBraces = false;
  /** Before its first number, what may stand in a bracket differs from what may stand there afterwards. */
  #bracket: 'none' | 'opened' | 'with_number' = 'none';
  #sawDuration = false;
  #sawColon = false;
  #stopped: Token | null = null;

  constructor(text: string) {
    this.#text = text;
  }

  next(): Token {
    if (this.#stopped) return this.#stopped;
    this.#skipBlank();
    const start = this.#at;
    if (start >= this.#text.length) return this.#stop(this.#atEnd());
    const character = this.#text.charAt(start);
    if (this.#bracket === 'opened') return this.#insideBracket(character);
    if (character === '"' || character === "'" || character === '`') return this.#string(character);
    if (this.#inBraces) return this.#insideBraces(character);
    if (this.#atNumber()) return this.#number();
    if (this.#bracket === 'with_number' && /[A-Za-z_:]/.test(character)) return this.#behindNumber(character);
    if (this.#take(WORD)) return this.#token('word', start);
    if (character === '!' && this.#text.charAt(start + 1) !== '=') {
      return this.#error(start, `unexpected character after '!': ${describe(this.#text, start + 1)}`);
    }
    if (character === '=' && this.#text.charAt(start + 1) === '~') {
      return this.#error(start, `unexpected character after '=': '~'`);
    }
    if (this.#take(OPERATOR)) return this.#token('operator', start);
    return this.#punctuation(character);
  }

  /** The first character that is neither space nor comment from here on; '' at the end. */
  peekCharacter(): string {
    this.#skipBlank();
    return this.#text.charAt(this.#at);
  }

  /** The word that comes next, in lower case; '' where none does. */
  peekWord(): string {
    this.#skipBlank();
    PLAIN_WORD.lastIndex = this.#at;
    return PLAIN_WORD.exec(this.#text)?.[0].toLowerCase() ?? '';
  }

  #punctuation(character: string): Token {
    const start = this.#at;
    switch (character) {
      case '(':
        this.#parenthesisDepth++;
        break;
      case ')':
        if (--this.#parenthesisDepth < 0) return this.#error(start + 1, `unexpected right parenthesis ')'`);
        break;
      case '{':
        this.#inBraces = true;
        break;
      case '[':
        if (this.#bracket !== 'none') return this.#error(start, `unexpected left bracket '['`);
        this.#bracket = 'opened';
        this.#sawColon = false;
        break;
      case ']':
        if (this.#bracket === 'none') return this.#error(start, `unexpected right bracket ']'`);
        this.#bracket = 'none';
        break;
      case ',':
      case ':':
        break;
      default:
        return this.#error(start, `unexpected character: ${describe(this.#text, start)}`);
    }
    this.#at++;
    return this.#token('punctuation', start);
  }

  /** Between a left bracket and the first number behind it. */
  #insideBracket(character: string): Token {
    const start = this.#at;
    if (this.#atNumber()) {
      this.#bracket = 'with_number';
      this.#sawDuration = true;
      return this.#number();
    }
    if (/[-+*/%^]/.test(character)) {
      this.#at++;
      return this.#token('operator', start);
    }
    if (character === ':') {
      if (!this.#sawDuration) {
        return this.#error(start + 1, 'unexpected colon before duration in duration expression');
      }
      this.#sawColon = true;
    }
    if (/[():,\]]/.test(character)) return this.#punctuation(character);
    const problem = `unexpected character in duration expression: ${describe(this.#text, start)}`;
    return this.#durationWord(problem);
  }

  /** A word or colon in a bracket, behind its first number. */
  #behindNumber(character: string): Token {
    const start = this.#at;
    if (character !== ':') {
      return this.#durationWord(`unexpected character: ${describe(this.#text, start)}, expected ':'`);
    }
    if (this.#sawColon) return this.#error(start, `unexpected colon ':'`);
    this.#sawColon = true;
    return this.#punctuation(character);
  }

  #durationWord(problem: string): Token {
    const start = this.#at;
    this.#take(LETTERS);
    const token = this.#token('word', start);
    return DURATION_WORDS.has(token.word) ? token : this.#error(start, problem);
  }

  #insideBraces(character: string): Token {
    const start = this.#at;
    if (this.#take(PLAIN_WORD)) return this.#token('word', start);
    if (character === '!' && !/[=~]/.test(this.#text.charAt(start + 1))) {
      return this.#error(
        start,
        `unexpected character after '!' inside braces: ${describe(this.#text, start + 1)}`,
      );
    }
    if (character === '=' || character === '!') {
      const two = this.#text.slice(start, start + 2);
      this.#at += two === '=~' || two === '!~' || two === '!=' ? 2 : 1;
      return this.#token('operator', start);
    }
    if (character === '{') return this.#error(start, `unexpected left brace '{'`);
    if (character !== ',' && character !== '}') {
      return this.#error(start, `unexpected character inside braces: ${describe(this.#text, start)}`);
    }
    if (character === '}') this.#inBraces = false;
    this.#at++;
    return this.#token('punctuation', start);
  }

  #number(): Token {
    const start = this.#at;
    if (this.#take(DECIMAL) || this.#take(HEXADECIMAL)) return this.#token('number', start);
    if (this.#take(DURATION)) return this.#token('duration', start);
    const { kind, end } = scanMisspeltNumber(this.#text, start);
    this.#at = end;
    if (kind !== 'error') return this.#token(kind, start);
    return this.#error(start, `bad number or duration syntax: ${quote(this.#text.slice(start, end))}`);
  }

  #string(quote: keyof typeof STRING_RUNS): Token {
    const start = this.#at++;
    const text = this.#text;
    for (;;) {
      this.#take(STRING_RUNS[quote]);
      const character = text.charAt(this.#at++);
      if (character === quote) return this.#token('string', start);
      if (character !== '\\') {
        return this.#error(start, quote === '`' ? 'unterminated raw string' : 'unterminated quoted string');
      }
      const problem = escapeProblem(text, this.#at++, quote);
      if (problem) return this.#error(start, problem);
    }
  }

  #atEnd(): Token {
    const end = this.#text.length;
    const problem = this.#inBraces
      ? 'unexpected end of input inside braces'
      : this.#bracket === 'opened'
        ? 'unexpected end of input in duration expression'
        : this.#parenthesisDepth > 0
          ? 'unclosed left parenthesis'
          : this.#bracket === 'with_number'
            ? 'unclosed left bracket'
            : null;
    return problem === null
      ? { kind: 'end', text: '', word: '', start: end, end }
      : { kind: 'error', text: problem, word: '', start: end, end };
  }

  #skipBlank(): void {
    while (this.#text.charCodeAt(this.#at) <= LARGEST_BLANK) {
      if (!this.#take(SPACE) && (this.#bracket === 'opened' || !this.#take(COMMENT))) return;
    }
  }

  /** Whether a digit comes next, or a point and a digit. */
  #atNumber(): boolean {
    const code = this.#text.charCodeAt(this.#at);
    return isDigit(code) || (code === POINT && isDigit(this.#text.charCodeAt(this.#at + 1)));
  }

  /** Goes behind what the pattern finds here, if it does. */
  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }

  #token(kind: TokenKind, start: number): Token {
    const text = this.#text.slice(start, this.#at);
    return { kind, text, word: kind === 'word' ? text.toLowerCase() : '', start, end: this.#at };
  }

  #error(start: number, problem: string): Token {
    return this.#stop({ kind: 'error', text: problem, word: '', start, end: this.#text.length });
  }

  #stop(token: Token): Token {
    this.#stopped = token;
    return token;
  }
}

const POINT = '.'.charCodeAt(0);
const ZERO = '0'.charCodeAt(0);

function isDigit(code: number): boolean {
  return code >= ZERO && code < ZERO + 10;
}

/** What is wrong with the escape sequence that begins at `at`, behind its backslash; null when nothing is. */
function escapeProblem(text: string, at: number, quote: string): string | null {
  const character = text.charAt(at);
  if (character === '') return 'escape sequence not terminated';
  if ('abfnrtv\\'.includes(character) || character === quote) return null;
  const forms: Readonly<Record<string, readonly [digits: number, base: number, max: number]>> = {
    x: [2, 16, 0xff],
    u: [4, 16, 0x10ffff],
    U: [8, 16, 0x10ffff],
  };
  const form = forms[character] ?? (/[0-7]/.test(character) ? ([3, 8, 0xff] as const) : null);
  if (!form) return `unknown escape sequence ${codePoint(text, at)}`;
  const [digits, base, max] = form;
  const first = base === 8 ? at : at + 1;
  for (let index = first; index < first + digits; index++) {
    const digit = text.charAt(index);
    if (digit === '') return 'escape sequence not terminated';
    if (Number.isNaN(Number.parseInt(digit, base))) {
      return `illegal character ${codePoint(text, index)} in escape sequence`;
    }
  }
  const code = Number.parseInt(text.slice(first, first + digits), base);
  return code > max || (code >= 0xd800 && code < 0xe000)
    ? 'escape sequence is an invalid Unicode code point'
    : null;
}

function codePoint(text: string, at: number): string {
  const code = text.codePointAt(at) ?? 0;
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')} '${String.fromCodePoint(code)}'`;
}

/** A character in single quotes, for messages. */
function describe(text: string, at: number): string {
  const code = text.codePointAt(at);
  if (code === undefined) return 'end of input';
  const character = String.fromCodePoint(code);
  return character === '"' ? `'"'` : `'${quote(character).slice(1, -1).replace("'", "\\'")}'`;
}

import { TemplateSyntaxError } from './syntax-error.ts';

type TokenKind =
  | 'text'
  | 'open'
  | 'close'
  | 'word'
  | 'field'
  | 'variable'
  | 'dot'
  | 'string'
  | 'character'
  | 'number'
  | 'punctuation';

/** One token; `value` is its text as it is written, but that of a field without its dot. */
export interface Token {
  readonly kind: TokenKind;
  readonly value: string;
  readonly offset: number;
  readonly end: number;
  /** True where white space stands before it: `$x .y` are two operands, `$x.y` is one. */
  readonly spaceBefore: boolean;
}

const TRAILING_SPACE = /[ \t\r\n]+$/;
const LEADING_SPACE = /^[ \t\r\n]+/;
const SPACE = /[ \t\r\n]/;
const NAME_START = /[\p{L}\p{Nd}_]/u;
const NAME = /[\p{L}\p{Nd}_]*/uy;
/** What may stand right behind a name: anything else makes it a bad one. */
const NAME_END = /[ \t\r\n.,|:()}]/;
const NUMBER =
  /[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*|0[bB][01_]*|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?/y;
const PUNCTUATION = [':=', '=', '|', '(', ')', ','] as const;

/**
 * Cuts a Go template into text and the tokens of its actions. `{{-` and `-}}` trim the text beside them and
 * comments vanish, as in Go's text/template.
 * @throws TemplateSyntaxError
 */
export function tokenize(source: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let trimNext = false;
  for (;;) {
    const open = source.indexOf('{{', at);
    let text = open === -1 ? source.slice(at) : source.slice(at, open);
    if (trimNext) text = text.replace(LEADING_SPACE, '');
    const trimsBefore = open !== -1 && source.charAt(open + 2) === '-' && SPACE.test(source.charAt(open + 3));
    if (trimsBefore) text = text.replace(TRAILING_SPACE, '');
    if (text !== '') {
      tokens.push({ kind: 'text', value: text, offset: at, end: at + text.length, spaceBefore: false });
    }
    if (open === -1) return tokens;
    const inside = open + (trimsBefore ? 4 : 2);
    const comment = endOfComment(source, inside, open);
    const end = comment ?? new ActionReader(source, open, tokens).read(inside);
    trimNext = end.trimsAfter;
    at = end.offset;
  }
}

interface ActionEnd {
  readonly offset: number;
  readonly trimsAfter: boolean;
}

function endOfComment(source: string, at: number, open: number): ActionEnd | null {
  if (!source.startsWith('/*', at)) return null;
  const end = source.indexOf('*/', at + 2);
  if (end === -1) throw new TemplateSyntaxError('unclosed comment', open);
  const close = closeAt(source, end + 2);
  if (!close) throw new TemplateSyntaxError('comment ends before closing delimiter', open);
  return close;
}

/** The end of the action when it ends right here: `}}`, or ` -}}` with its one white space. */
function closeAt(source: string, at: number): ActionEnd | null {
  if (source.startsWith('}}', at)) return { offset: at + 2, trimsAfter: false };
  if (SPACE.test(source.charAt(at)) && source.startsWith('-}}', at + 1)) {
    return { offset: at + 4, trimsAfter: true };
  }
  return null;
}

class ActionReader {
  readonly #source: string;
  readonly #open: number;
  readonly #tokens: Token[];
  #at = 0;
  #spaceBefore = false;

  constructor(source: string, open: number, tokens: Token[]) {
    this.#source = source;
    this.#open = open;
    this.#tokens = tokens;
  }

  read(start: number): ActionEnd {
    this.#tokens.push({ kind: 'open', value: '{{', offset: this.#open, end: start, spaceBefore: false });
    this.#at = start;
    for (;;) {
      const before = this.#at;
      for (;;) {
        const close = closeAt(this.#source, this.#at);
        if (close) return this.#close(close, before);
        if (!SPACE.test(this.#source.charAt(this.#at))) break;
        this.#at++;
      }
      if (this.#at >= this.#source.length) throw new TemplateSyntaxError('unclosed action', this.#open);
      this.#spaceBefore = this.#at > before;
      this.#readToken();
    }
  }

  #close(close: ActionEnd, before: number): ActionEnd {
    this.#spaceBefore = this.#at > before;
    this.#push('close', close.offset, '}}');
    return close;
  }

  #readToken(): void {
    const source = this.#source;
    const character = String.fromCodePoint(source.codePointAt(this.#at) ?? 0);
    if (character === '"') return this.#readQuoted('string', 'unterminated quoted string');
    if (character === "'") return this.#readQuoted('character', 'unterminated character constant');
    if (character === '`') return this.#readRaw();
    if (character === '$') return this.#readName('variable', this.#at + 1);
    if (character === '.' && !/[0-9]/.test(source.charAt(this.#at + 1))) {
      const isDot = this.#nameEnd(this.#at + 1) === this.#at + 1;
      return this.#readName(isDot ? 'dot' : 'field', this.#at + 1);
    }
    if (/[0-9+\-.]/.test(character)) return this.#readNumber();
    if (NAME_START.test(character)) return this.#readName('word', this.#at);
    const punctuation = PUNCTUATION.find((mark) => source.startsWith(mark, this.#at));
    if (punctuation) return this.#push('punctuation', this.#at + punctuation.length);
    if (character === ':') throw new TemplateSyntaxError('expected :=', this.#at);
    throw new TemplateSyntaxError(`unexpected ${JSON.stringify(character)} in command`, this.#at);
  }

  #nameEnd(at: number): number {
    NAME.lastIndex = at;
    return at + (NAME.exec(this.#source)?.[0].length ?? 0);
  }

  #readName(kind: TokenKind, start: number): void {
    const end = this.#nameEnd(start);
    const next = this.#source.charAt(end);
    if (next !== '' && !NAME_END.test(next)) {
      throw new TemplateSyntaxError(`bad character ${JSON.stringify(next)}`, end);
    }
    this.#push(kind, end, this.#source.slice(kind === 'dot' ? this.#at : start, end));
  }

  #readQuoted(kind: TokenKind, problem: string): void {
    const mark = this.#source.charAt(this.#at);
    for (let end = this.#at + 1; end < this.#source.length; end++) {
      const character = this.#source.charAt(end);
      if (character === '\n') break;
      if (character === '\\' && this.#source.charAt(end + 1) !== '\n') end++;
      else if (character === mark) return this.#push(kind, end + 1);
    }
    throw new TemplateSyntaxError(problem, this.#at);
  }

  #readRaw(): void {
    const end = this.#source.indexOf('`', this.#at + 1);
    if (end === -1) throw new TemplateSyntaxError('unterminated raw quoted string', this.#at);
    this.#push('string', end + 1);
  }

  #readNumber(): void {
    NUMBER.lastIndex = this.#at;
    const text = NUMBER.exec(this.#source)?.[0] ?? '';
    const end = this.#at + text.length;
    const next = String.fromCodePoint(this.#source.codePointAt(end) ?? 0);
    if (NAME_START.test(next) || next === '+' || next === '-') {
      throw new TemplateSyntaxError(`bad number syntax: ${JSON.stringify(text + next)}`, this.#at);
    }
    this.#push('number', end);
  }

  #push(kind: TokenKind, end: number, value = this.#source.slice(this.#at, end)): void {
    this.#tokens.push({ kind, value, offset: this.#at, end, spaceBefore: this.#spaceBefore });
    this.#at = end;
  }
}

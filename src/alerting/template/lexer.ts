/** A template that does not parse, with the offset in its text. */
export class TemplateSyntaxError extends Error {
  override readonly name = 'TemplateSyntaxError';
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

type TokenKind =
  | 'text'
  | 'open'
  | 'close'
  | 'word'
  | 'field'
  | 'variable'
  | 'dot'
  | 'string'
  | 'integer'
  | 'float'
  | 'punctuation';

/** One token; `value` is the decoded text (a string without its quotes, a field without its dot). */
export interface Token {
  readonly kind: TokenKind;
  readonly value: string;
  readonly offset: number;
  /** True where white space stands before it: `$x .y` are two operands, `$x.y` is one. */
  readonly spaceBefore: boolean;
}

const TRAILING_SPACE = /[ \t\r\n]+$/;
const LEADING_SPACE = /^[ \t\r\n]+/;
const SPACE = /[ \t\r\n]/;
const NAME_START = /[\p{L}_]/u;
const NAME = /[\p{L}\p{Nd}_]*/uy;
const NUMBER = /[+-]?(?:0[xX][0-9a-fA-F_]+|(?:[0-9][0-9_]*)?\.?[0-9_]*(?:[eE][+-]?[0-9]+)?)/y;
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
    if (text !== '') tokens.push({ kind: 'text', value: text, offset: at, spaceBefore: false });
    if (open === -1) return tokens;
    const inside = open + (trimsBefore ? 4 : 2);
    const comment = endOfComment(source, inside, open);
    const end = comment ?? readAction(source, inside, open, tokens);
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

/** The end of the action when it ends here: `}}`, or ` -}}` with its white space. */
function closeAt(source: string, at: number): ActionEnd | null {
  let cursor = at;
  while (SPACE.test(source.charAt(cursor))) cursor++;
  if (source.startsWith('}}', cursor)) return { offset: cursor + 2, trimsAfter: false };
  if (cursor > at && source.startsWith('-}}', cursor)) return { offset: cursor + 3, trimsAfter: true };
  return null;
}

function readAction(source: string, start: number, open: number, tokens: Token[]): ActionEnd {
  tokens.push({ kind: 'open', value: '{{', offset: open, spaceBefore: false });
  let at = start;
  for (;;) {
    const close = closeAt(source, at);
    if (close) {
      tokens.push({ kind: 'close', value: '}}', offset: at, spaceBefore: false });
      return close;
    }
    const before = at;
    while (SPACE.test(source.charAt(at))) at++;
    if (at >= source.length) throw new TemplateSyntaxError('unclosed action', open);
    const read = readToken(source, at, at > before);
    tokens.push(read.token);
    at = read.end;
  }
}

interface ReadToken {
  readonly token: Token;
  readonly end: number;
}

function readToken(source: string, at: number, spaceBefore: boolean): ReadToken {
  const character = source.charAt(at);
  const token = (kind: TokenKind, value: string, end: number): ReadToken => ({
    token: { kind, value, offset: at, spaceBefore },
    end,
  });
  if (character === '"') return readQuoted(source, at, token);
  if (character === '`') {
    const end = source.indexOf('`', at + 1);
    if (end === -1) throw new TemplateSyntaxError('unterminated raw quoted string', at);
    return token('string', source.slice(at + 1, end), end + 1);
  }
  if (character === '$') {
    const name = nameAt(source, at + 1);
    return token('variable', name, at + 1 + name.length);
  }
  if (character === '.' && !/[0-9]/.test(source.charAt(at + 1))) {
    const name = nameAt(source, at + 1);
    return name === '' ? token('dot', '.', at + 1) : token('field', name, at + 1 + name.length);
  }
  if (NAME_START.test(character)) {
    const name = nameAt(source, at);
    return token('word', name, at + name.length);
  }
  if (/[0-9+\-.]/.test(character)) return readNumber(source, at, token);
  const punctuation = PUNCTUATION.find((mark) => source.startsWith(mark, at));
  if (punctuation) return token('punctuation', punctuation, at + punctuation.length);
  throw new TemplateSyntaxError(`unexpected ${JSON.stringify(character)} in command`, at);
}

function nameAt(source: string, at: number): string {
  NAME.lastIndex = at;
  return NAME.exec(source)?.[0] ?? '';
}

type MakeToken = (kind: TokenKind, value: string, end: number) => ReadToken;

function readNumber(source: string, at: number, token: MakeToken): ReadToken {
  NUMBER.lastIndex = at;
  const text = NUMBER.exec(source)?.[0] ?? '';
  const digits = text.replaceAll('_', '');
  if (!/[0-9]/.test(digits) || !Number.isFinite(Number(digits))) {
    throw new TemplateSyntaxError(`bad number syntax: ${JSON.stringify(text || source.charAt(at))}`, at);
  }
  const isHex = /^[+-]?0[xX]/.test(digits);
  return token(isHex || /^[+-]?[0-9]+$/.test(digits) ? 'integer' : 'float', digits, at + text.length);
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\u0007',
  b: '\b',
  f: '\f',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

function readQuoted(source: string, at: number, token: MakeToken): ReadToken {
  let value = '';
  let cursor = at + 1;
  for (;;) {
    const character = source.charAt(cursor);
    if (character === '' || character === '\n') {
      throw new TemplateSyntaxError('unterminated quoted string', at);
    }
    if (character === '"') return token('string', value, cursor + 1);
    if (character !== '\\') {
      value += character;
      cursor++;
      continue;
    }
    const escape = source.charAt(cursor + 1);
    const simple = ESCAPES[escape];
    if (simple !== undefined) {
      value += simple;
      cursor += 2;
      continue;
    }
    const coded = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))/y;
    coded.lastIndex = cursor;
    const match = coded.exec(source);
    if (!match) throw new TemplateSyntaxError(`invalid escape \\${escape}`, cursor);
    const hex = match[1] ?? match[2] ?? match[3];
    const point = hex === undefined ? Number.parseInt(match[4] ?? '0', 8) : Number.parseInt(hex, 16);
    if (point > 0x10ffff) throw new TemplateSyntaxError(`invalid escape ${match[0]}`, cursor);
    value += String.fromCodePoint(point);
    cursor += match[0].length;
  }
}

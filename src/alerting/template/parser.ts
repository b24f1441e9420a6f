import { tokenize, TemplateSyntaxError, type Token } from './lexer.ts';
import type { Command, Node, Operand, ParsedTemplate, Pipeline } from './nodes.ts';

const CONTROL_WORDS = new Set([
  'if',
  'else',
  'end',
  'range',
  'with',
  'define',
  'template',
  'block',
  'break',
  'continue',
]);

/**
 * Parses a Go template. Functions and variables have to exist, as Go demands at parse time.
 * @param functions the names that may be called
 * @param variables the names, without `$`, that are set before the template runs
 * @throws TemplateSyntaxError
 */
export function parseTemplate(
  source: string,
  functions: ReadonlySet<string>,
  variables: readonly string[],
): ParsedTemplate {
  const parser = new Parser(tokenize(source), functions, ['', ...variables]);
  const { nodes, end } = parser.parseList();
  if (end !== null) throw new TemplateSyntaxError(`unexpected {{${end.word}}}`, end.offset);
  return { root: nodes, definitions: parser.definitions };
}

interface ListEnd {
  readonly word: 'else' | 'end';
  readonly offset: number;
}

interface ParsedList {
  readonly nodes: readonly Node[];
  /** The `{{end}}` or `{{else` that closed the list, null at the end of the text. */
  readonly end: ListEnd | null;
}

class Parser {
  readonly definitions = new Map<string, readonly Node[]>();
  readonly #tokens: readonly Token[];
  readonly #functions: ReadonlySet<string>;
  #variables: string[];
  #at = 0;
  #rangeDepth = 0;

  constructor(tokens: readonly Token[], functions: ReadonlySet<string>, variables: string[]) {
    this.#tokens = tokens;
    this.#functions = functions;
    this.#variables = variables;
  }

  parseList(): ParsedList {
    const nodes: Node[] = [];
    for (;;) {
      const token = this.#tokens[this.#at];
      if (!token) return { nodes, end: null };
      this.#at++;
      if (token.kind === 'text') {
        nodes.push({ kind: 'text', text: token.value });
        continue;
      }
      const word = this.#peek();
      if (word.kind === 'word' && CONTROL_WORDS.has(word.value)) {
        this.#at++;
        if (word.value === 'end' || word.value === 'else') {
          if (word.value === 'end') this.#expectClose();
          return { nodes, end: { word: word.value, offset: word.offset } };
        }
        const node = this.#parseControl(word);
        if (node) nodes.push(node);
        continue;
      }
      const pipeline = this.#parsePipeline('}}');
      nodes.push({ kind: 'output', pipeline });
    }
  }

  #parseControl(word: Token): Node | null {
    switch (word.value) {
      case 'if':
      case 'with':
        return this.#parseBranch(word.value, word);
      case 'range': {
        this.#rangeDepth++;
        const node = this.#parseBranch('range', word);
        this.#rangeDepth--;
        return node;
      }
      case 'break':
      case 'continue':
        if (this.#rangeDepth === 0) {
          throw new TemplateSyntaxError(`{{${word.value}}} outside {{range}}`, word.offset);
        }
        this.#expectClose();
        return { kind: word.value };
      case 'define':
        this.#parseDefine(word);
        return null;
      case 'template': {
        const name = this.#expectString('template');
        if (this.#peek().kind === 'close') {
          this.#at++;
          return { kind: 'call', template: name, pipeline: null };
        }
        return { kind: 'call', template: name, pipeline: this.#parsePipeline('}}') };
      }
      default:
        throw new TemplateSyntaxError(`{{${word.value}}} is not supported`, word.offset);
    }
  }

  #parseBranch(kind: 'if' | 'with' | 'range', word: Token): Node {
    const scope = [...this.#variables];
    const pipeline = this.#parsePipeline('}}', kind === 'range');
    const body = this.parseList();
    let otherwise: readonly Node[] = [];
    if (body.end === null) throw new TemplateSyntaxError('unexpected EOF', word.offset);
    if (body.end.word === 'else') otherwise = this.#parseElse(kind, word);
    this.#variables = scope;
    return { kind, pipeline, body: body.nodes, otherwise };
  }

  #parseElse(kind: 'if' | 'with' | 'range', word: Token): readonly Node[] {
    const next = this.#peek();
    if (next.kind === 'word' && (next.value === 'if' || next.value === 'with') && next.value === kind) {
      this.#at++;
      return [this.#parseBranch(kind, next)];
    }
    this.#expectClose();
    const list = this.parseList();
    if (list.end === null) throw new TemplateSyntaxError('unexpected EOF', word.offset);
    if (list.end.word === 'else')
      throw new TemplateSyntaxError('expected end; found {{else}}', list.end.offset);
    return list.nodes;
  }

  #parseDefine(word: Token): void {
    const name = this.#expectString('define');
    this.#expectClose();
    const scope = this.#variables;
    this.#variables = [''];
    const list = this.parseList();
    if (list.end?.word !== 'end') throw new TemplateSyntaxError('unexpected EOF in define', word.offset);
    this.#variables = scope;
    this.definitions.set(name, list.nodes);
  }

  /** @param until what closes the pipeline: `}}` of an action, `)` of a parenthesis */
  #parsePipeline(until: '}}' | ')', inRange = false): Pipeline {
    const { variables, declares } = this.#parseAssignment(inRange);
    const commands: Command[] = [];
    for (;;) {
      commands.push(this.#parseCommand());
      const token = this.#next();
      if (token.kind === 'punctuation' && token.value === '|') continue;
      if ((until === '}}' && token.kind === 'close') || token.value === until) break;
      throw new TemplateSyntaxError(`unexpected ${JSON.stringify(token.value)} in operand`, token.offset);
    }
    commands.forEach((command, place) => {
      if (place > 0 && command.operands[0].kind === 'literal') {
        throw new TemplateSyntaxError('non executable command in pipeline', this.#peekOffset());
      }
    });
    if (declares) this.#variables.push(...variables);
    return { variables, declares, commands };
  }

  #parseAssignment(inRange: boolean): { variables: readonly string[]; declares: boolean } {
    const none = { variables: [], declares: false };
    const first = this.#peek();
    if (first.kind !== 'variable') return none;
    const second = this.#tokens[this.#at + 1];
    if (isMark(second, ':=') || isMark(second, '=')) {
      this.#at += 2;
      this.#checkAssigned(first, isMark(second, '='));
      return { variables: [first.value], declares: isMark(second, ':=') };
    }
    const third = this.#tokens[this.#at + 2];
    if (inRange && isMark(second, ',') && third?.kind === 'variable') {
      const mark = this.#tokens[this.#at + 3];
      if (!isMark(mark, ':=') && !isMark(mark, '=')) {
        throw new TemplateSyntaxError('range can only initialize variables', third.offset);
      }
      this.#at += 4;
      return { variables: [first.value, third.value], declares: isMark(mark, ':=') };
    }
    return none;
  }

  #checkAssigned(variable: Token, mustExist: boolean): void {
    if (mustExist && !this.#variables.includes(variable.value)) {
      throw new TemplateSyntaxError(`undefined variable "$${variable.value}"`, variable.offset);
    }
  }

  #parseCommand(): Command {
    const first = this.#parseOperand();
    if (!first) throw new TemplateSyntaxError('missing value for command', this.#peekOffset());
    const rest: Operand[] = [];
    for (;;) {
      const operand = this.#parseOperand();
      if (!operand) return { operands: [first, ...rest] };
      rest.push(operand);
    }
  }

  #parseOperand(): Operand | null {
    const token = this.#peek();
    switch (token.kind) {
      case 'string':
        this.#at++;
        return { kind: 'literal', value: token.value };
      case 'integer':
        this.#at++;
        return { kind: 'literal', value: parseInteger(token.value) };
      case 'float':
        this.#at++;
        return { kind: 'literal', value: Number(token.value) };
      case 'dot':
        this.#at++;
        return { kind: 'dot', fields: [] };
      case 'field':
        this.#at++;
        return { kind: 'dot', fields: [token.value, ...this.#parseFields()] };
      case 'variable':
        this.#at++;
        if (!this.#variables.includes(token.value)) {
          throw new TemplateSyntaxError(`undefined variable "$${token.value}"`, token.offset);
        }
        return { kind: 'variable', name: token.value, fields: this.#parseFields() };
      case 'word':
        this.#at++;
        return this.#word(token);
      case 'punctuation': {
        if (token.value !== '(') return null;
        this.#at++;
        const pipeline = this.#parsePipeline(')');
        return { kind: 'pipeline', pipeline, fields: this.#parseFields() };
      }
      case 'text':
      case 'open':
      case 'close':
        return null;
    }
  }

  #word(token: Token): Operand {
    if (token.value === 'true' || token.value === 'false') {
      return { kind: 'literal', value: token.value === 'true' };
    }
    if (token.value === 'nil') return { kind: 'literal', value: null };
    if (!this.#functions.has(token.value)) {
      throw new TemplateSyntaxError(`function ${JSON.stringify(token.value)} not defined`, token.offset);
    }
    return { kind: 'function', name: token.value };
  }

  /** The fields that follow an operand without a space: `.a.b` of `$x.a.b`. */
  #parseFields(): readonly string[] {
    const fields: string[] = [];
    for (;;) {
      const token = this.#tokens[this.#at];
      if (token?.kind !== 'field' || token.spaceBefore) return fields;
      fields.push(token.value);
      this.#at++;
    }
  }

  #expectString(context: string): string {
    const token = this.#next();
    if (token.kind !== 'string') {
      throw new TemplateSyntaxError(
        `unexpected ${JSON.stringify(token.value)} in ${context} clause`,
        token.offset,
      );
    }
    return token.value;
  }

  #expectClose(): void {
    const token = this.#next();
    if (token.kind !== 'close') {
      throw new TemplateSyntaxError(`unexpected ${JSON.stringify(token.value)} in action`, token.offset);
    }
  }

  #peek(): Token {
    const token = this.#tokens[this.#at];
    if (!token) throw new TemplateSyntaxError('unexpected EOF', this.#tokens.at(-1)?.offset ?? 0);
    return token;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  #peekOffset(): number {
    return this.#tokens[this.#at]?.offset ?? 0;
  }
}

function isMark(token: Token | undefined, mark: string): boolean {
  return token?.kind === 'punctuation' && token.value === mark;
}

function parseInteger(text: string): bigint {
  const negative = text.startsWith('-');
  const magnitude = BigInt(text.replace(/^[+-]/, ''));
  return negative ? -magnitude : magnitude;
}

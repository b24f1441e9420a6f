import { MAX_NESTING } from '../limits.ts';
import { tokenize, type Token } from './lexer.ts';
import { parseCharacter, parseNumber, parseText } from './literals.ts';
import type { Command, Definition, Node, Operand, ParsedTemplate, Pipeline, Term } from './nodes.ts';
import { TemplateSyntaxError } from './syntax-error.ts';

/** Words that are no functions at the start of an action. */
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

export interface ParseOptions {
  /** The text's name, for messages. */
  readonly name: string;
  /** The names that may be called. */
  readonly functions: ReadonlySet<string>;
  /** The variables, without `$`, that are set before the template runs. */
  readonly variables?: readonly string[];
}

/**
 * Parses a Go template. Functions and variables have to exist, as Go demands when it parses.
 * @throws TemplateSyntaxError
 */
export function parseTemplate(source: string, options: ParseOptions): ParsedTemplate {
  return new Parser(source, options).parse();
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

type Branch = 'if' | 'with' | 'range';

class Parser {
  readonly #definitions = new Map<string, Definition>();
  readonly #source: string;
  readonly #sourceName: string;
  readonly #tokens: readonly Token[];
  readonly #functions: ReadonlySet<string>;
  #variables: string[];
  #at = 0;
  #rangeDepth = 0;
  #nesting = 0;

  constructor(source: string, { name, functions, variables = [] }: ParseOptions) {
    this.#source = source;
    this.#sourceName = name;
    this.#tokens = tokenize(source);
    this.#functions = functions;
    this.#variables = ['', ...variables];
  }

  parse(): ParsedTemplate {
    const { nodes, end } = this.#parseList('top');
    if (end !== null) throw new TemplateSyntaxError(`unexpected {{${end.word}}}`, end.offset);
    return { root: this.#definition(this.#sourceName, nodes), definitions: this.#definitions };
  }

  #definition(name: string, nodes: readonly Node[]): Definition {
    return { name, nodes, source: this.#source, sourceName: this.#sourceName };
  }

  #parseList(place: 'top' | 'inner'): ParsedList {
    const nodes: Node[] = [];
    for (;;) {
      const token = this.#tokens[this.#at];
      if (!token) return { nodes, end: null };
      this.#at++;
      if (token.kind === 'text') {
        nodes.push({ kind: 'text', text: token.value, offset: token.offset });
        continue;
      }
      const word = this.#peek();
      if (word.kind !== 'word' || !CONTROL_WORDS.has(word.value)) {
        nodes.push({ kind: 'output', pipeline: this.#parsePipeline('command') });
        continue;
      }
      this.#at++;
      if (word.value === 'end' || word.value === 'else') {
        if (word.value === 'end') this.#expectClose('end');
        return { nodes, end: { word: word.value, offset: word.offset } };
      }
      if (word.value === 'define') {
        if (place === 'inner') throw new TemplateSyntaxError('unexpected {{define}}', word.offset);
        this.#parseDefine(word);
      } else nodes.push(this.#parseControl(word));
    }
  }

  #parseControl(word: Token): Node {
    switch (word.value) {
      case 'if':
      case 'with':
      case 'range':
        return this.#nested(word, () => this.#parseBranch(word.value as Branch, word));
      case 'break':
      case 'continue':
        this.#expectClose(`{{${word.value}}}`);
        if (this.#rangeDepth === 0) {
          throw new TemplateSyntaxError(`{{${word.value}}} outside {{range}}`, word.offset);
        }
        return { kind: word.value };
      case 'block':
        return this.#nested(word, () => this.#parseBlock(word));
      default:
        return this.#parseTemplateCall();
    }
  }

  #parseTemplateCall(): Node {
    const { name, token } = this.#expectName('template clause');
    const span = { start: token.offset, end: token.end };
    if (this.#peek().kind === 'close') {
      this.#at++;
      return { kind: 'template', name, pipeline: null, span };
    }
    return { kind: 'template', name, pipeline: this.#parsePipeline('template clause'), span };
  }

  /** `{{ block "name" . }}…{{ end }}`: a definition that is used where it stands. */
  #parseBlock(word: Token): Node {
    const { name, token } = this.#expectName('block clause');
    const pipeline = this.#parsePipeline('block clause');
    this.#define(name, this.#parseDefinitionBody('block clause', word), word);
    return { kind: 'template', name, pipeline, span: { start: token.offset, end: token.end } };
  }

  #parseDefine(word: Token): void {
    const { name } = this.#expectName('define clause');
    this.#expectClose('define clause');
    this.#define(name, this.#parseDefinitionBody('define clause', word), word);
  }

  /** What stands in a definition sees no variables and no loops around it. */
  #parseDefinitionBody(context: string, word: Token): readonly Node[] {
    const outer = { variables: this.#variables, rangeDepth: this.#rangeDepth };
    this.#variables = [''];
    this.#rangeDepth = 0;
    const list = this.#parseList('inner');
    if (list.end === null) throw new TemplateSyntaxError('unexpected EOF', word.offset);
    if (list.end.word === 'else') {
      throw new TemplateSyntaxError(`unexpected {{else}} in ${context}`, list.end.offset);
    }
    this.#variables = outer.variables;
    this.#rangeDepth = outer.rangeDepth;
    return list.nodes;
  }

  #define(name: string, nodes: readonly Node[], word: Token): void {
    const earlier = this.#definitions.get(name);
    if (earlier === undefined || isEmpty(earlier.nodes))
      this.#definitions.set(name, this.#definition(name, nodes));
    else if (!isEmpty(nodes)) {
      throw new TemplateSyntaxError(`multiple definition of template ${JSON.stringify(name)}`, word.offset);
    }
  }

  #parseBranch(kind: Branch, word: Token): Node {
    const scope = [...this.#variables];
    const pipeline = this.#parsePipeline(kind);
    if (kind === 'range') this.#rangeDepth++;
    const body = this.#parseList('inner');
    if (kind === 'range') this.#rangeDepth--;
    if (body.end === null) throw new TemplateSyntaxError('unexpected EOF', word.offset);
    const otherwise = body.end.word === 'else' ? this.#parseElse(kind, word) : [];
    this.#variables = scope;
    return { kind, pipeline, body: body.nodes, otherwise };
  }

  #parseElse(kind: Branch, word: Token): readonly Node[] {
    const next = this.#peek();
    if (kind !== 'range' && next.kind === 'word' && next.value === kind) {
      this.#at++;
      return [this.#nested(next, () => this.#parseBranch(kind, next))];
    }
    this.#expectClose('else');
    const list = this.#parseList('inner');
    if (list.end === null) throw new TemplateSyntaxError('unexpected EOF', word.offset);
    if (list.end.word === 'else') {
      throw new TemplateSyntaxError('expected end; found {{else}}', list.end.offset);
    }
    return list.nodes;
  }

  #nested<Result>(at: Token, parse: () => Result): Result {
    if (this.#nesting >= MAX_NESTING) {
      throw new TemplateSyntaxError(`nested deeper than ${MAX_NESTING}`, at.offset);
    }
    this.#nesting++;
    const result = parse();
    this.#nesting--;
    return result;
  }

  /** A pipeline up to the `}}` of its action or, `in parenthesis`, the `)`. */
  #parsePipeline(context: string, closes: '}}' | ')' = '}}'): Pipeline {
    const start = this.#peek().offset;
    const { variables, declares } = this.#parseAssignment(context);
    const commands: Command[] = [];
    for (;;) {
      const command = this.#parseCommand();
      const end = this.#lastEnd();
      const token = this.#next();
      if (command) commands.push(command);
      const isPipe = isMark(token, '|');
      if (isPipe && command) continue;
      if (token.value === closes && (token.kind === 'close' || token.kind === 'punctuation')) {
        // A pipe with nothing behind it is nothing, as in Go.
        if (commands.length === 0) {
          throw new TemplateSyntaxError(`missing value for ${context}`, token.offset);
        }
        this.#checkStages(commands);
        return { variables, declares, commands, span: { start, end } };
      }
      if (token.kind === 'close') throw new TemplateSyntaxError('unclosed left paren', token.offset);
      throw new TemplateSyntaxError(`unexpected ${JSON.stringify(token.value)} in ${context}`, token.offset);
    }
  }

  /** Only the first command of a pipeline may be a plain value. */
  #checkStages(commands: readonly Command[]): void {
    commands.forEach(({ called }, place) => {
      const { kind } = called.term;
      const isCallable = kind === 'function' || kind === 'variable' || kind === 'pipeline';
      if (place === 0 || isCallable || called.fields.length > 0) return;
      throw new TemplateSyntaxError(
        `non executable command in pipeline stage ${place + 1}`,
        called.span.start,
      );
    });
  }

  #parseAssignment(context: string): { variables: readonly string[]; declares: boolean } {
    const names: string[] = [];
    const [first, mark, second, secondMark] = this.#tokens.slice(this.#at, this.#at + 4);
    if (first?.kind !== 'variable') return { variables: names, declares: false };
    const assigns = (token: Token | undefined): boolean => isMark(token, ':=') || isMark(token, '=');
    let declares = isMark(mark, ':=');
    if (assigns(mark)) {
      names.push(nameOf(first));
      this.#at += 2;
    } else if (isMark(mark, ',')) {
      if (context !== 'range') {
        throw new TemplateSyntaxError(`too many declarations in ${context}`, first.offset);
      }
      if (second?.kind !== 'variable' || !assigns(secondMark)) {
        throw new TemplateSyntaxError('range can only initialize variables', first.offset);
      }
      names.push(nameOf(first), nameOf(second));
      declares = isMark(secondMark, ':=');
      this.#at += 4;
    }
    // In sight at once, as in Go: `$x := $x` parses, and fails when it runs.
    this.#variables.push(...names);
    return { variables: names, declares };
  }

  #parseCommand(): Command | null {
    const called = this.#parseOperand();
    if (!called) return null;
    const args: Operand[] = [];
    while (this.#tokens[this.#at]?.spaceBefore === true) {
      const operand = this.#parseOperand();
      if (!operand) break;
      args.push(operand);
    }
    const { end } = (args.at(-1) ?? called).span;
    return { called, args, span: { start: called.span.start, end } };
  }

  #parseOperand(): Operand | null {
    const token = this.#peek();
    const start = token.offset;
    if (token.kind === 'field') {
      const fields = this.#parseFields();
      return { term: { kind: 'dot' }, fields, span: { start, end: this.#lastEnd() } };
    }
    const term = this.#parseTerm(token);
    if (!term) return null;
    const next = this.#tokens[this.#at];
    const hasFields = next?.kind === 'field' && !next.spaceBefore;
    const mayHaveFields = term.kind === 'function' || term.kind === 'variable' || term.kind === 'pipeline';
    if (hasFields && !mayHaveFields) {
      throw new TemplateSyntaxError(`unexpected . after term ${JSON.stringify(token.value)}`, next.offset);
    }
    const fields = hasFields ? this.#parseFields() : [];
    return { term, fields, span: { start, end: this.#lastEnd() } };
  }

  #parseTerm(token: Token): Term | null {
    if (token.kind === 'punctuation' && token.value !== '(') return null;
    if (token.kind === 'text' || token.kind === 'open' || token.kind === 'close') return null;
    this.#at++;
    switch (token.kind) {
      case 'string':
        return { kind: 'text', value: parseText(token.value, token.offset) };
      case 'character':
        return { kind: 'number', value: parseCharacter(token.value, token.offset) };
      case 'number':
        return { kind: 'number', value: parseNumber(token.value, token.offset) };
      case 'variable':
        return { kind: 'variable', name: this.#knownVariable(token) };
      case 'word':
        return this.#word(token);
      case 'punctuation':
        return this.#nested(token, () => ({
          kind: 'pipeline',
          pipeline: this.#parsePipeline('parenthesized pipeline', ')'),
        }));
      case 'dot':
      case 'field':
        return { kind: 'dot' };
    }
  }

  #knownVariable(token: Token): string {
    const name = nameOf(token);
    if (this.#variables.includes(name)) return name;
    throw new TemplateSyntaxError(`undefined variable "$${name}"`, token.offset);
  }

  #word(token: Token): Term {
    if (token.value === 'true' || token.value === 'false') {
      return { kind: 'boolean', value: token.value === 'true' };
    }
    if (token.value === 'nil') return { kind: 'nil' };
    if (CONTROL_WORDS.has(token.value)) {
      throw new TemplateSyntaxError(`unexpected <${token.value}> in command`, token.offset);
    }
    if (!this.#functions.has(token.value)) {
      throw new TemplateSyntaxError(`function ${JSON.stringify(token.value)} not defined`, token.offset);
    }
    return { kind: 'function', name: token.value };
  }

  /** The fields that follow each other without a space: `.a.b`. */
  #parseFields(): readonly string[] {
    const fields: string[] = [];
    for (;;) {
      const token = this.#tokens[this.#at];
      if (token?.kind !== 'field' || (fields.length > 0 && token.spaceBefore)) return fields;
      fields.push(token.value);
      this.#at++;
    }
  }

  #expectName(context: string): { readonly name: string; readonly token: Token } {
    const token = this.#next();
    if (token.kind === 'string') return { name: parseText(token.value, token.offset), token };
    throw new TemplateSyntaxError(`unexpected ${JSON.stringify(token.value)} in ${context}`, token.offset);
  }

  #expectClose(context: string): void {
    const token = this.#next();
    if (token.kind === 'close') return;
    throw new TemplateSyntaxError(`unexpected ${JSON.stringify(token.value)} in ${context}`, token.offset);
  }

  #peek(): Token {
    const token = this.#tokens[this.#at];
    if (!token) throw new TemplateSyntaxError('unexpected EOF', this.#source.length);
    return token;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  #lastEnd(): number {
    return this.#tokens[this.#at - 1]?.end ?? 0;
  }
}

function nameOf(variable: Token): string {
  return variable.value;
}

function isMark(token: Token | undefined, mark: string): boolean {
  return token?.kind === 'punctuation' && token.value === mark;
}

/** Empty of everything but white space: such a definition may be defined again. */
export function isEmpty(nodes: readonly Node[]): boolean {
  return nodes.every((node) => node.kind === 'text' && node.text.trim() === '');
}

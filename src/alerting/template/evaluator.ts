import type { FunctionEntry, TemplateHost } from './functions.ts';
import type { Command, Node, Operand, ParsedTemplate, Pipeline } from './nodes.ts';
import {
  isList,
  isMap,
  isTruthy,
  printValue,
  TemplateRunError,
  typeName,
  type TemplateValue,
} from './value.ts';

/** How deep templates may call each other, and how long a text may get, before it is a runaway. */
const MAX_CALL_DEPTH = 20;
const MAX_OUTPUT_CHARACTERS = 64 * 1024;

/** What a template runs with. */
export interface TemplateScope {
  readonly data: TemplateValue;
  readonly variables: ReadonlyMap<string, TemplateValue>;
  readonly functions: ReadonlyMap<string, FunctionEntry>;
  readonly host: TemplateHost;
}

/**
 * Runs a parsed template.
 * @throws TemplateRunError
 */
export function runTemplate(template: ParsedTemplate, scope: TemplateScope): string {
  const evaluator = new Evaluator(template, scope);
  evaluator.run(template.root, scope.data, new Frame([...scope.variables]));
  return evaluator.output;
}

/** The variables in sight: an inner frame sees and may change the outer one's. */
class Frame {
  readonly #values: Map<string, TemplateValue>;
  readonly #outer: Frame | null;

  constructor(values: readonly (readonly [string, TemplateValue])[], outer: Frame | null = null) {
    this.#values = new Map(values);
    this.#outer = outer;
  }

  get(name: string): TemplateValue | undefined {
    return this.#values.has(name) ? this.#values.get(name) : this.#outer?.get(name);
  }

  declare(name: string, value: TemplateValue): void {
    this.#values.set(name, value);
  }

  assign(name: string, value: TemplateValue): void {
    if (this.#values.has(name) || !this.#outer) this.#values.set(name, value);
    else this.#outer.assign(name, value);
  }
}

type Flow = 'next' | 'break' | 'continue';

class Evaluator {
  output = '';
  readonly #template: ParsedTemplate;
  readonly #scope: TemplateScope;
  #depth = 0;

  constructor(template: ParsedTemplate, scope: TemplateScope) {
    this.#template = template;
    this.#scope = scope;
  }

  run(nodes: readonly Node[], dot: TemplateValue, frame: Frame): Flow {
    for (const node of nodes) {
      const flow = this.#runNode(node, dot, frame);
      if (flow !== 'next') return flow;
    }
    return 'next';
  }

  #runNode(node: Node, dot: TemplateValue, frame: Frame): Flow {
    switch (node.kind) {
      case 'text':
        this.#write(node.text);
        return 'next';
      case 'output': {
        const value = this.#pipeline(node.pipeline, dot, frame);
        if (node.pipeline.variables.length === 0) this.#write(printValue(value));
        return 'next';
      }
      case 'if':
      case 'with': {
        const inner = new Frame([], frame);
        const value = this.#pipeline(node.pipeline, dot, inner);
        if (!isTruthy(value)) return this.run(node.otherwise, dot, inner);
        return this.run(node.body, node.kind === 'with' ? value : dot, inner);
      }
      case 'range':
        return this.#runRange(node, dot, frame);
      case 'break':
      case 'continue':
        return node.kind;
      case 'call':
        this.#callTemplate(node, dot, frame);
        return 'next';
    }
  }

  #runRange(node: Extract<Node, { kind: 'range' }>, dot: TemplateValue, frame: Frame): Flow {
    const { variables } = node.pipeline;
    const items = entriesOf(this.#pipeline({ ...node.pipeline, variables: [] }, dot, frame));
    if (items.length === 0) return this.run(node.otherwise, dot, new Frame([], frame));
    for (const [key, value] of items) {
      const inner = new Frame([], frame);
      const [first, second] = variables;
      if (second !== undefined && first !== undefined) {
        inner.declare(first, key);
        inner.declare(second, value);
      } else if (first !== undefined) inner.declare(first, value);
      if (this.run(node.body, value, inner) === 'break') break;
    }
    return 'next';
  }

  #callTemplate(node: Extract<Node, { kind: 'call' }>, dot: TemplateValue, frame: Frame): void {
    const nodes = this.#template.definitions.get(node.template);
    if (!nodes) throw new TemplateRunError(`template ${JSON.stringify(node.template)} not defined`);
    if (this.#depth >= MAX_CALL_DEPTH) throw new TemplateRunError(`templates call each other too deeply`);
    const data = node.pipeline === null ? null : this.#pipeline(node.pipeline, dot, frame);
    this.#depth++;
    this.run(nodes, data, new Frame([['', data]]));
    this.#depth--;
  }

  #pipeline(pipeline: Pipeline, dot: TemplateValue, frame: Frame): TemplateValue {
    let value: TemplateValue | undefined;
    for (const command of pipeline.commands) value = this.#command(command, value, { dot, frame });
    const result = value ?? null;
    for (const name of pipeline.variables) {
      if (pipeline.declares) frame.declare(name, result);
      else frame.assign(name, result);
    }
    return result;
  }

  /** @param piped what the command before it gave, its last argument; undefined for the first command */
  #command(
    command: Command,
    piped: TemplateValue | undefined,
    at: { readonly dot: TemplateValue; readonly frame: Frame },
  ): TemplateValue {
    const [first, ...rest] = command.operands;
    if (first.kind !== 'function') {
      if (rest.length > 0 || piped !== undefined) {
        throw new TemplateRunError(`can't give argument to non-function`);
      }
      return this.#operand(first, at.dot, at.frame);
    }
    if (first.name === 'and' || first.name === 'or') return this.#shortCircuit(first.name, rest, piped, at);
    const args = rest.map((operand) => this.#operand(operand, at.dot, at.frame));
    if (piped !== undefined) args.push(piped);
    return this.#call(first.name, args);
  }

  #shortCircuit(
    name: 'and' | 'or',
    operands: readonly Operand[],
    piped: TemplateValue | undefined,
    at: { readonly dot: TemplateValue; readonly frame: Frame },
  ): TemplateValue {
    let value: TemplateValue | undefined;
    for (const operand of operands) {
      value = this.#operand(operand, at.dot, at.frame);
      if (isTruthy(value) === (name === 'or')) return value;
    }
    const last = piped ?? value;
    if (last === undefined)
      throw new TemplateRunError(`wrong number of args for ${name}: want at least 1 got 0`);
    return last;
  }

  #call(name: string, args: readonly TemplateValue[]): TemplateValue {
    const entry = this.#scope.functions.get(name);
    if (!entry) throw new TemplateRunError(`function ${JSON.stringify(name)} not defined`);
    const { arity } = entry;
    const fits = typeof arity === 'number' ? args.length === arity : args.length >= arity.atLeast;
    if (!fits) {
      const wanted = typeof arity === 'number' ? String(arity) : `at least ${arity.atLeast}`;
      throw new TemplateRunError(`wrong number of args for ${name}: want ${wanted} got ${args.length}`);
    }
    try {
      return entry.call(args, this.#scope.host);
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      throw new TemplateRunError(`error calling ${name}: ${reason}`);
    }
  }

  #operand(operand: Operand, dot: TemplateValue, frame: Frame): TemplateValue {
    switch (operand.kind) {
      case 'literal':
        return operand.value;
      case 'dot':
        return fieldsOf(dot, operand.fields);
      case 'variable':
        return fieldsOf(frame.get(operand.name) ?? null, operand.fields);
      case 'pipeline':
        return fieldsOf(this.#pipeline(operand.pipeline, dot, frame), operand.fields);
      case 'function':
        return this.#call(operand.name, []);
    }
  }

  #write(text: string): void {
    this.output += text;
    if (this.output.length > MAX_OUTPUT_CHARACTERS) {
      throw new TemplateRunError(`the text exceeds ${MAX_OUTPUT_CHARACTERS} characters`);
    }
  }
}

/** Where a field is missing: in a map of strings the empty string, the zero value of Go's map. */
function fieldsOf(value: TemplateValue, fields: readonly string[]): TemplateValue {
  let at = value;
  for (const field of fields) {
    if (!isMap(at)) throw new TemplateRunError(`can't evaluate field ${field} in type ${typeName(at)}`);
    at = Object.hasOwn(at, field) ? (at[field] ?? null) : '';
  }
  return at;
}

function entriesOf(value: TemplateValue): readonly (readonly [TemplateValue, TemplateValue])[] {
  if (value === null) return [];
  if (isList(value)) return value.map((item, place) => [BigInt(place), item]);
  if (isMap(value)) {
    return Object.keys(value)
      .sort()
      .map((key) => [key, value[key] ?? null]);
  }
  if (typeof value === 'bigint')
    return Array.from({ length: Number(value) }, (_, at) => [BigInt(at), BigInt(at)]);
  throw new TemplateRunError(`range can't iterate over ${printValue(value)}`);
}

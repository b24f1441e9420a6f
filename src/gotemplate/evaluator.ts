import { assertArity, callValue, checked, sizeOf, typeAt } from './calls.ts';
import type { Frame, Scope } from './frame.ts';
import { BUILTINS } from './functions/builtins.ts';
import type { FunctionSet } from './functions/function-set.ts';
import { shownInPieces } from './format/print.ts';
import { assertTextFits, MAX_RUN_DEPTH, type RunBudget } from './limits.ts';
import { InPieces } from './values/in-pieces.ts';
import type { NumberValue } from './syntax/literals.ts';
import { sourcePlace } from './syntax/source-place.ts';
import type { Command, Definition, Node, Operand, Pipeline, Span, Term } from './syntax/nodes.ts';
import {
  type FunctionDefinition,
  GoFunction,
  GoInteger,
  GoMap,
  GoStruct,
  isTruthy,
  methodsOf,
  stringOf,
  TemplateRunError,
  type TemplateValue,
  typeName,
} from './values/value.ts';

/** A call as it is written, and where. */
interface Call {
  /** What a message about the number or the types of the arguments points at. */
  readonly at: Span;
  /** What a message about the call itself points at. */
  readonly span: Span;
  readonly args: readonly Operand[];
  /** What the command before it gave, which is its last argument. */
  readonly piped: TemplateValue | undefined;
  readonly scope: Scope;
}

/** Thrown to leave an action for a pause. */
export const PAUSE = Symbol('pause');

/** Calls of one action take so many steps, a millisecond or some, before it is left for a pause. */
const STEPS_PER_CALLS = 4000;

const NO_ARGUMENTS: readonly Operand[] = [];

export interface EvaluatorOptions {
  /** The template that is run first. */
  readonly definition: Definition;
  /** The functions beside Go's own, which they hide where names are the same. */
  readonly functions: FunctionSet;
  readonly budget: RunBudget;
  /** How long a text may get. */
  readonly maxCharacters: number;
}

/** What the actions of a template give: its pipelines, one at a time. Whoever runs the template walks through its nodes. */
export class Evaluator {
  /** The template that is run just now, for messages. */
  definition: Definition;
  readonly #functions: FunctionSet;
  readonly #maxCharacters: number;
  readonly #budget: RunBudget;
  /** What is evaluated just now, for messages. */
  #at: Span = { start: 0, end: 0 };
  /** How deep blocks, parentheses and calls stand in each other. */
  #depth = 0;
  /** That of the present action. */
  #depthOfAction = 0;
  /**
   * What the calls of the present action have given, in their order. Where a pause is due within an action it is left, and evaluated
   * again from its beginning: calls give what they have given.
   */
  readonly #given: TemplateValue[] = [];
  #givenCount = 0;
  /** How many of them have been asked for again. */
  #taken = 0;
  /** Whether the present action goes on after a pause. */
  #isAgain = false;
  /** The call that the present action waits for. */
  #awaited: Generator<void, TemplateValue> | null = null;
  /** A call that ends with more effort than this has a pause behind it. */
  #pauseAt = Number.POSITIVE_INFINITY;

  constructor({ definition, functions, budget, maxCharacters }: EvaluatorOptions) {
    this.definition = definition;
    this.#functions = functions;
    this.#budget = budget;
    this.#maxCharacters = maxCharacters;
  }

  /** What is thrown from here on is about this. */
  pointAt(span: Span): void {
    this.#at = span;
  }

  /** `template: file:2:7: executing "name" at <.Foo>: …` */
  located({ message, exceedsLimit }: TemplateRunError): TemplateRunError {
    const { source, name } = this.definition;
    const { start, end } = this.#at;
    const place = sourcePlace(this.definition, start);
    return new TemplateRunError(
      `template: ${place}: executing ${JSON.stringify(name)} at <${source.slice(start, end).trim()}>: ${message}`,
      { exceedsLimit },
    );
  }

  /** A block, a pair of parentheses or a call begins. @throws TemplateRunError where too many stand in each other */
  enter(): void {
    this.#depth++;
    if (this.#depth > MAX_RUN_DEPTH) throw new TemplateRunError(`nested deeper than ${MAX_RUN_DEPTH}`);
  }

  leave(): void {
    this.#depth--;
  }

  /** An action begins, or one that was left with `PAUSE` again. */
  beginAction(): void {
    if (!this.#isAgain) this.#givenCount = 0;
    this.#isAgain = false;
    this.#taken = 0;
    this.#depthOfAction = this.#depth;
  }

  /** Goes on after a pause with what the action was left for. @returns whether that is done */
  goOn(): boolean {
    this.#pauseAt = this.#budget.effort + STEPS_PER_CALLS;
    if (this.#awaited === null) return true;
    const step = this.#awaited.next();
    if (!step.done) return false;
    this.#given[this.#givenCount++] = step.value;
    this.#awaited = null;
    return true;
  }

  /** Leaves the action, to evaluate it again after a pause. */
  #pause(): never {
    this.#depth = this.#depthOfAction;
    this.#isAgain = true;
    // oxlint-disable-next-line only-throw-error -- it is none, and where it was thrown is not asked
    throw PAUSE;
  }

  /** What a pipeline gives; its variables have that value then. */
  pipeline(pipeline: Pipeline, scope: Scope): TemplateValue {
    const value = this.value(pipeline, scope);
    for (const name of pipeline.variables) this.set(name, pipeline.declares, value, scope.frame);
    return value;
  }

  /** What a pipeline gives; sets no variables. */
  value({ commands }: Pipeline, scope: Scope): TemplateValue {
    this.enter();
    let value: TemplateValue | undefined;
    for (const command of commands) value = this.#command(command, value, scope);
    this.leave();
    return value ?? null;
  }

  set(name: string, declares: boolean, value: TemplateValue, frame: Frame): void {
    if (declares) frame.declare(name, value);
    else if (!frame.assign(name, value)) throw new TemplateRunError(`undefined variable: $${name}`);
  }

  /** A value as an action writes it. */
  written(value: TemplateValue, { pipeline: { span }, escape }: Extract<Node, { kind: 'output' }>): string {
    if (value instanceof GoFunction) {
      this.#at = span;
      throw new TemplateRunError(`can't print ${this.#textAt(span)} of type ${value.type}`);
    }
    if (this.#taken < this.#givenCount) return stringOf(this.#given[this.#taken] ?? null) ?? '';
    // What is written may be shorter than what was looked at.
    this.#budget.spendOnText(sizeOf(value));
    const max = this.#maxCharacters;
    if (!escape && typeof value === 'string') return value;
    const written = escape ? escape(value, max) : new InPieces(shownInPieces(value, max));
    return typeof written === 'string' ? written : this.#firstPiece(written.work);
  }

  /** What takes no longer than one piece is done at once; all else is waited for. */
  #firstPiece<Value extends TemplateValue>(work: Generator<void, Value>): Value {
    const step = work.next();
    if (step.done) return step.value;
    this.#awaited = work;
    return this.#pause();
  }

  #command({ called, args, span }: Command, piped: TemplateValue | undefined, scope: Scope): TemplateValue {
    const { term } = called;
    if (called.fields.length > 0) return this.#chain(called, args, piped, scope);
    if (term.kind === 'function')
      return this.#callNamed(term.name, { at: called.span, span, args, piped, scope });
    this.#at = called.span;
    if (args.length > 0 || piped !== undefined) {
      throw new TemplateRunError(`can't give argument to non-function ${this.#textAt(called.span)}`);
    }
    if (term.kind === 'nil') throw new TemplateRunError('nil is not a command');
    return this.#term(term, called.span, scope);
  }

  /** An operand as an argument for a parameter of that type. */
  #argument(operand: Operand, type: string, scope: Scope): TemplateValue {
    const { term, fields } = operand;
    this.#at = operand.span;
    if (fields.length === 0 && term.kind === 'nil') {
      if (type === 'any') return null;
      throw new TemplateRunError(`cannot assign nil to ${type}`);
    }
    if (fields.length === 0 && type !== 'any') {
      if (term.kind === 'number') return this.#typedNumber(term.value, type, operand.span);
      const literal = term.kind === 'text' ? 'string' : term.kind === 'boolean' ? 'bool' : null;
      if (literal !== null && literal !== type) throw this.#unexpected(type, operand.span);
    }
    const value = this.#operand(operand, scope);
    this.#at = operand.span;
    return checked(value, type);
  }

  /** A number takes the type that is asked for. */
  #typedNumber(number: NumberValue, type: string, span: Span): TemplateValue {
    if (type === 'float64' && number.float !== null) return number.float;
    if (number.integer !== null) {
      if (type === 'int') return number.integer;
      // Durations and months are integers, too.
      if (/^(?:u?int\d+|time\.\w+)$/.test(type)) return new GoInteger(type, number.integer);
    }
    throw this.#unexpected(type, span);
  }

  #unexpected(type: string, span: Span): TemplateRunError {
    if (!/^[a-z]+\d*$/.test(type)) {
      return new TemplateRunError(`can't handle ${this.#textAt(span)} for arg of type ${type}`);
    }
    const wanted = type === 'float64' ? 'float' : type === 'int' ? 'integer' : type;
    return new TemplateRunError(`expected ${wanted}; found ${this.#textAt(span)}`);
  }

  #operand(operand: Operand, scope: Scope): TemplateValue {
    if (operand.fields.length > 0) return this.#chain(operand, NO_ARGUMENTS, undefined, scope);
    return this.#term(operand.term, operand.span, scope);
  }

  #term(term: Term, span: Span, scope: Scope): TemplateValue {
    this.#at = span;
    switch (term.kind) {
      case 'text':
      case 'boolean':
        return term.value;
      case 'number':
        return this.#idealNumber(term.value, span);
      case 'nil':
        return null;
      case 'dot':
        return scope.dot;
      case 'variable': {
        const value = scope.frame.get(term.name);
        if (value === undefined) throw new TemplateRunError(`undefined variable: $${term.name}`);
        return value;
      }
      case 'function':
        return this.#callNamed(term.name, { at: span, span, args: NO_ARGUMENTS, piped: undefined, scope });
      case 'pipeline':
        return this.pipeline(term.pipeline, scope);
    }
  }

  #idealNumber(number: NumberValue, span: Span): TemplateValue {
    if (number.isFloat) return number.float ?? 0;
    if (number.integer !== null) return number.integer;
    throw new TemplateRunError(`${this.#textAt(span)} overflows int`);
  }

  /** `.a.b`, `$x.a`, `(f 1).a`: fields and methods, of which the last may have arguments. */
  #chain(
    { term, fields, span }: Operand,
    args: readonly Operand[],
    piped: TemplateValue | undefined,
    scope: Scope,
  ): TemplateValue {
    if (term.kind === 'nil') throw new TemplateRunError('nil is not a command');
    let value = this.#term(term, span, scope);
    const last = fields.length - 1;
    for (let place = 0; place <= last; place++) {
      const name = fields[place] ?? '';
      this.#at = span;
      const call =
        place === last
          ? { at: span, span, args, piped, scope }
          : { at: span, span, args: NO_ARGUMENTS, piped: undefined, scope };
      value = this.#field(value, name, call);
    }
    return value;
  }

  #field(receiver: TemplateValue, name: string, call: Call): TemplateValue {
    if (receiver === null) return null;
    const method = methodsOf(receiver).get(name);
    if (method) return this.#call(name, method, call);
    const hasArguments = call.args.length > 0 || call.piped !== undefined;
    if (receiver instanceof GoStruct) {
      const field = receiver.fields.get(name);
      if (field !== undefined) {
        if (!hasArguments) return field;
        throw new TemplateRunError(`${name} has arguments but cannot be invoked as function`);
      }
    }
    if (receiver instanceof GoMap) {
      if (!hasArguments) return receiver.entries.get(name) ?? receiver.zero;
      throw new TemplateRunError(`${name} is not a method but has arguments`);
    }
    throw new TemplateRunError(`can't evaluate field ${name} in type ${typeName(receiver)}`);
  }

  #callNamed(name: string, call: Call): TemplateValue {
    const own = this.#functions.get(name);
    const definition = own ?? BUILTINS.get(name);
    this.#at = call.at;
    if (!definition) throw new TemplateRunError(`${JSON.stringify(name)} is not a defined function`);
    if (own === undefined && (name === 'and' || name === 'or')) return this.#shortCircuit(name, call);
    return this.#call(name, definition, call);
  }

  #shortCircuit(name: 'and' | 'or', { args, piped, scope }: Call): TemplateValue {
    if (args.length === 0 && piped === undefined) {
      throw new TemplateRunError(`wrong number of args for ${name}: want at least 1 got 0`);
    }
    let value: TemplateValue = null;
    for (const operand of args) {
      value = this.#argument(operand, 'any', scope);
      if (isTruthy(value) === (name === 'or')) return value;
    }
    return piped === undefined ? value : piped;
  }

  #call(name: string, definition: FunctionDefinition, call: Call): TemplateValue {
    const { args: operands, piped, at, span, scope } = call;
    this.#at = at;
    assertArity(name, definition, operands.length + (piped === undefined ? 0 : 1));
    const args: TemplateValue[] = [];
    for (const operand of operands) {
      args.push(this.#argument(operand, typeAt(definition, args.length), scope));
    }
    if (piped !== undefined) {
      this.#at = at;
      args.push(checked(piped, typeAt(definition, args.length)));
    }
    this.#at = span;
    return this.#invoke(name, definition, args);
  }

  #invoke(name: string, definition: FunctionDefinition, args: readonly TemplateValue[]): TemplateValue {
    if (this.#taken < this.#givenCount) return this.#given[this.#taken++] ?? null;
    this.#budget.spend();
    for (const arg of args) this.#budget.spendOnText(sizeOf(arg));
    const value = this.#called(name, definition, args);
    this.#given[this.#givenCount++] = value;
    this.#taken++;
    if (this.#budget.effort >= this.#pauseAt) this.#pause();
    return value;
  }

  #called(name: string, definition: FunctionDefinition, args: readonly TemplateValue[]): TemplateValue {
    const max = this.#maxCharacters;
    try {
      const called = definition === BUILTINS.get('call') ? callValue(args, max) : definition.call(args, max);
      if (!(called instanceof InPieces)) return this.#fitting(called, definition);
      const step = called.work.next();
      if (step.done) return this.#fitting(step.value, definition);
      this.#awaited = this.#otherPieces(name, definition, called);
    } catch (thrown) {
      throw failureOfCall(name, thrown);
    }
    return this.#pause();
  }

  *#otherPieces(
    name: string,
    definition: FunctionDefinition,
    { work }: InPieces<TemplateValue>,
  ): Generator<void, TemplateValue> {
    try {
      return this.#fitting(yield* work, definition);
    } catch (thrown) {
      throw failureOfCall(name, thrown);
    }
  }

  /** What a call has given, where it may be as long. */
  #fitting(value: TemplateValue, { takeEffort }: FunctionDefinition): TemplateValue {
    if (takeEffort) this.#budget.addEffort(takeEffort());
    this.#budget.spendOnText(sizeOf(value));
    assertTextFits(stringOf(value)?.length ?? 0, this.#maxCharacters);
    return value;
  }

  #textAt({ start, end }: Span): string {
    return this.definition.source.slice(start, end);
  }
}

function failureOfCall(name: string, thrown: unknown): TemplateRunError {
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  const exceedsLimit = thrown instanceof TemplateRunError && thrown.exceedsLimit;
  return new TemplateRunError(`error calling ${name}: ${reason}`, { exceedsLimit });
}

import { Evaluator, PAUSE } from './evaluator.ts';
import { shown } from './format/print.ts';
import { Frame, type Scope } from './frame.ts';
import type { FunctionSet } from './functions/function-set.ts';
import { assertTextFits, MAX_CALL_DEPTH, RULE_LIMITS, RunBudget, type RunLimits } from './limits.ts';
import type { Definition, Node, Pipeline } from './syntax/nodes.ts';
import { GoMap, GoSlice, isTruthy, TemplateRunError, type TemplateValue } from './values/value.ts';

/** What a template runs with. */
export interface RunOptions {
  /** The dot, and `$`. */
  readonly data: TemplateValue;
  /** By name, without `$`. */
  readonly variables?: ReadonlyMap<string, TemplateValue>;
  /** The functions beside Go's own, which they hide where names are the same. */
  readonly functions: FunctionSet;
  /** What `{{ template "name" }}` finds. */
  readonly definitions: ReadonlyMap<string, Definition>;
  /** Those of a rule where none are given. */
  readonly limits?: RunLimits;
}

/** So many steps are done between two pauses that are offered: some tenths of a millisecond. */
const STEPS_PER_PIECE = 500;

/**
 * Runs a parsed template, and offers a pause after every few hundred steps of it.
 * @throws TemplateRunError, whose message says where, as Go's does
 */
export function* runTemplate(template: Definition, options: RunOptions): Generator<void, string> {
  const run = new Run(template, options);
  while (run.goOn()) yield;
  return run.text;
}

type Branch = Extract<Node, { body: readonly Node[] }>;

/** Nodes that are run one after the other. */
interface Block {
  readonly nodes: readonly Node[];
  readonly scope: Scope;
  /** The place of the node that comes next. */
  next: number;
  /** The loop of which this is a turn; null where it is none. */
  readonly loop: Loop | null;
  /** Where these are the nodes of a template that was called: the one that called it. */
  readonly caller: Definition | null;
}

type Within = Pick<Block, 'loop' | 'caller'>;

interface Loop {
  readonly node: Branch;
  readonly frame: Frame;
  readonly turns: Iterator<Turn, void>;
}

type Turn = readonly [key: TemplateValue, value: TemplateValue];

/**
 * One run of a template. The blocks that it stands in are kept in a list, and not on the stack of the program: it may stop
 * between any two nodes, and go on there.
 */
class Run {
  readonly #definitions: ReadonlyMap<string, Definition>;
  readonly #maxCharacters: number;
  readonly #budget: RunBudget;
  readonly #evaluator: Evaluator;
  /** The innermost last. */
  readonly #blocks: Block[] = [];
  /** How deep templates call each other just now. */
  #calls = 0;
  #text = '';

  constructor(template: Definition, { data, variables, functions, definitions, limits }: RunOptions) {
    const { maxCharacters } = limits ?? RULE_LIMITS;
    this.#definitions = definitions;
    this.#maxCharacters = maxCharacters;
    this.#budget = new RunBudget(limits ?? RULE_LIMITS);
    this.#evaluator = new Evaluator({
      definition: template,
      functions,
      budget: this.#budget,
      maxCharacters,
    });
    this.#begin(template.nodes, { dot: data, frame: new Frame([['', data], ...(variables ?? [])]) });
  }

  /** What has been written. */
  get text(): string {
    return this.#text;
  }

  /** Runs on as far as the next pause. @returns whether there is more to be run */
  goOn(): boolean {
    const pauseAt = this.#budget.effort + STEPS_PER_PIECE;
    try {
      if (!this.#evaluator.goOn()) return true;
      for (;;) {
        const block = this.#blocks.at(-1);
        if (block === undefined) return false;
        const node = block.nodes[block.next++];
        if (node === undefined) this.#end();
        else this.#runNode(node, block.scope);
        if (this.#budget.effort >= pauseAt) return true;
      }
    } catch (thrown) {
      if (thrown === PAUSE) {
        // What was left has begun nothing: it is run again.
        const block = this.#blocks.at(-1);
        if (block) block.next--;
        return true;
      }
      if (thrown instanceof TemplateRunError) throw this.#evaluator.located(thrown);
      throw thrown;
    }
  }

  #runNode(node: Node, scope: Scope): void {
    this.#budget.spend();
    if (node.kind === 'text') return this.#write(node.text);
    this.#evaluator.beginAction();
    switch (node.kind) {
      case 'output': {
        const value = this.#evaluator.pipeline(node.pipeline, scope);
        if (node.pipeline.variables.length === 0) this.#write(this.#evaluator.written(value, node));
        return;
      }
      case 'if':
      case 'with':
        return this.#runCondition(node, scope);
      case 'range':
        return this.#runRange(node, scope);
      case 'break':
      case 'continue':
        return this.#leaveTurn(node.kind);
      case 'template':
        return this.#runTemplate(node, scope);
    }
  }

  #begin(nodes: readonly Node[], scope: Scope, { loop, caller }: Within = NOTHING): void {
    this.#evaluator.enter();
    // Most conditions have nothing that is run otherwise.
    if (nodes.length === 0 && loop === null && caller === null) this.#evaluator.leave();
    else this.#blocks.push({ nodes, scope, next: 0, loop, caller });
  }

  /** The innermost block has come to its end: what it stands in goes on. */
  #end(): void {
    const block = this.#drop();
    if (block?.loop) this.#runTurn(block.loop);
  }

  #drop(): Block | undefined {
    const block = this.#blocks.pop();
    this.#evaluator.leave();
    if (block?.caller) {
      this.#calls--;
      this.#evaluator.definition = block.caller;
    }
    return block;
  }

  /** `break` and `continue`: what is left of the present turn is not run. */
  #leaveTurn(kind: 'break' | 'continue'): void {
    for (;;) {
      const block = this.#drop();
      if (block?.loop && kind === 'continue') this.#runTurn(block.loop);
      if (!block || block.loop || block.caller) return;
    }
  }

  #runCondition(node: Branch, scope: Scope): void {
    const frame = new Frame(null, scope.frame);
    const inner = { dot: scope.dot, frame };
    const value = this.#evaluator.pipeline(node.pipeline, inner);
    if (!isTruthy(value)) this.#begin(node.otherwise, inner);
    else this.#begin(node.body, node.kind === 'with' ? { dot: value, frame } : inner);
  }

  #runRange(node: Branch, scope: Scope): void {
    const outer = { dot: scope.dot, frame: new Frame(null, scope.frame) };
    const turns = turnsOf(this.#evaluator.value(node.pipeline, outer), this.#maxCharacters);
    if (!this.#runTurn({ node, frame: outer.frame, turns })) this.#begin(node.otherwise, outer);
  }

  /** @returns whether there is another turn */
  #runTurn(loop: Loop): boolean {
    const turn = loop.turns.next();
    if (turn.done) return false;
    this.#budget.spend();
    const [key, dot] = turn.value;
    const { pipeline, body } = loop.node;
    const frame = new Frame(null, loop.frame);
    this.#setOfTurn(pipeline, { key, dot, frame });
    this.#begin(body, { dot, frame }, { loop, caller: null });
    return true;
  }

  /** `range $value := …`, `range $key, $value := …` */
  #setOfTurn(
    { variables: [first, second], declares }: Pipeline,
    { key, dot, frame }: Scope & { readonly key: TemplateValue },
  ): void {
    if (first !== undefined) this.#evaluator.set(first, declares, second === undefined ? dot : key, frame);
    if (second !== undefined) this.#evaluator.set(second, declares, dot, frame);
  }

  #runTemplate(node: Extract<Node, { kind: 'template' }>, scope: Scope): void {
    this.#evaluator.pointAt(node.span);
    const called = this.#definitions.get(node.name);
    if (!called) throw new TemplateRunError(`template ${JSON.stringify(node.name)} not defined`);
    if (this.#calls >= MAX_CALL_DEPTH) {
      throw new TemplateRunError(`exceeded maximum template depth (${MAX_CALL_DEPTH})`);
    }
    const data = node.pipeline === null ? null : this.#evaluator.pipeline(node.pipeline, scope);
    const caller = this.#evaluator.definition;
    this.#evaluator.definition = called;
    this.#calls++;
    this.#begin(called.nodes, { dot: data, frame: new Frame([['', data]]) }, { loop: null, caller });
  }

  #write(text: string): void {
    assertTextFits(this.#text.length + text.length, this.#maxCharacters);
    this.#text += text;
  }
}

const NOTHING: Within = { loop: null, caller: null };

/** What `range` gives for a value, one turn after the other. @throws TemplateRunError where it cannot be gone through */
function* turnsOf(value: TemplateValue, maxCharacters: number): Generator<Turn, void> {
  if (value === null) return;
  if (value instanceof GoSlice) {
    let place = 0n;
    for (const item of value.items) yield [place++, item];
    return;
  }
  if (value instanceof GoMap) {
    for (const key of value.sortedKeys()) yield [key, value.entries.get(key) ?? null];
    return;
  }
  if (typeof value === 'bigint') {
    for (let count = 0n; count < value; count++) yield [count, count];
    return;
  }
  throw new TemplateRunError(`range can't iterate over ${shown(value, maxCharacters)}`);
}

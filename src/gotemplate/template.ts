import { BUILTINS } from './functions/builtins.ts';
import type { FunctionSet } from './functions/function-set.ts';
import { runTemplate } from './evaluator.ts';
import type { ParsedTemplate } from './syntax/nodes.ts';
import { parseTemplate } from './syntax/parser.ts';
import type { TemplateValue } from './values/value.ts';

export interface TemplateOptions {
  /** For messages. */
  readonly name: string;
  /** What may be called beside Go's own functions. */
  readonly functionNames: ReadonlySet<string>;
  /** The variables, without `$`, that every run sets. */
  readonly variables?: readonly string[];
}

export interface TemplateRun {
  readonly data: TemplateValue;
  readonly functions: FunctionSet;
  readonly variables?: ReadonlyMap<string, TemplateValue>;
}

/** One Go template, parsed once and run any number of times. */
export class GoTemplate {
  readonly #parsed: ParsedTemplate;

  /** @throws TemplateSyntaxError */
  constructor(text: string, { name, functionNames, variables = [] }: TemplateOptions) {
    this.#parsed = parseTemplate(text, {
      name,
      functions: new Set([...BUILTINS.keys(), ...functionNames]),
      variables,
    });
  }

  /** @throws TemplateRunError */
  run(options: TemplateRun): string {
    const { root, definitions } = this.#parsed;
    return runTemplate(root, { ...options, definitions });
  }
}

/** Templates that may call each other by their names, from any number of texts. */
export class TemplateSet {
  readonly #functionNames: ReadonlySet<string>;
  readonly #definitions = new Map<string, ParsedTemplate['root']>();

  constructor(functionNames: ReadonlySet<string>) {
    this.#functionNames = new Set([...BUILTINS.keys(), ...functionNames]);
  }

  /** Adds what a text defines, in place of earlier definitions of the same name. @throws TemplateSyntaxError */
  add(text: string, name: string): void {
    const parsed = parseTemplate(text, { name, functions: this.#functionNames });
    for (const [defined, definition] of parsed.definitions) this.#definitions.set(defined, definition);
  }

  has(name: string): boolean {
    return this.#definitions.has(name);
  }

  /**
   * Parses a text that may call what the set holds, and runs it.
   * @throws TemplateSyntaxError, TemplateRunError
   */
  expand(text: string, run: TemplateRun): string {
    const parsed = parseTemplate(text, {
      name: '',
      functions: this.#functionNames,
      variables: [...(run.variables?.keys() ?? [])],
    });
    const definitions = new Map([...this.#definitions, ...parsed.definitions]);
    return runTemplate(parsed.root, { ...run, definitions });
  }
}

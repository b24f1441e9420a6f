import { unpaced } from '#telemetry';
import { BUILTINS } from './functions/builtins.ts';
import type { FunctionSet } from './functions/function-set.ts';
import type { Definition, ParsedTemplate } from './syntax/nodes.ts';
import { escapePage, type EscapedPage } from './html/escape-page.ts';
import { RULE_LIMITS, type RunLimits } from './limits.ts';
import { runTemplate } from './run-template.ts';
import { isEmpty, parseTemplate } from './syntax/parser.ts';
import { sourcePlace } from './syntax/source-place.ts';
import { TemplateRunError, type TemplateValue } from './values/value.ts';

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

/** One Go template, parsed once and run any number of times: in one go, for what a rule may take is little. */
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
    return unpaced(runTemplate(root, { ...options, definitions }));
  }
}

/** How many texts a set keeps parsed: a configuration has fewer. */
export const MAX_KEPT_TEXTS = 1000;

/** What messages call a text that is run and not kept. */
export const TEXT_NAME = 'text';

export interface TemplateSetOptions {
  /** What may be called beside Go's own functions. */
  readonly functionNames: ReadonlySet<string>;
  /** The variables, without `$`, that every run sets. */
  readonly variables?: readonly string[];
  /** Those of a rule where none are given. */
  readonly limits?: RunLimits;
}

/** What a text of a set becomes: a text, or a page of HTML in which values are escaped where they stand. */
export type TemplateForm = 'text' | 'html';

/** Templates that may call each other by their names, from any number of texts. */
export class TemplateSet {
  readonly #functionNames: ReadonlySet<string>;
  readonly #variables: readonly string[];
  readonly #limits: RunLimits;
  readonly #definitions = new Map<string, Definition>();
  readonly #kept: Readonly<Record<TemplateForm, Map<string, EscapedPage>>> = {
    text: new Map(),
    html: new Map(),
  };

  constructor({ functionNames, variables = [], limits = RULE_LIMITS }: TemplateSetOptions) {
    this.#functionNames = new Set([...BUILTINS.keys(), ...functionNames]);
    this.#variables = variables;
    this.#limits = limits;
  }

  /**
   * Adds what a text defines, in place of earlier definitions of the same name, and what stands outside of its
   * definitions by the text's own name. As in Go a definition that is empty takes no other's place.
   * @param place what messages call the text
   * @throws TemplateSyntaxError
   */
  add(text: string, name: string, place = name): void {
    const { root, definitions } = parseTemplate(text, { name: place, functions: this.#functionNames });
    for (const [defined, definition] of [...definitions, [name, root] as const]) {
      if (this.#definitions.has(defined) && isEmpty(definition.nodes)) continue;
      this.#definitions.set(defined, definition);
    }
    for (const kept of Object.values(this.#kept)) kept.clear();
  }

  has(name: string): boolean {
    return this.#definitions.has(name);
  }

  /** What calls a template that does not exist, as `file:line:column: …`; null where nothing does. */
  undefinedCall(): string | null {
    for (const definition of this.#definitions.values()) {
      const problem = undefinedCallIn(definition, this.#definitions);
      if (problem !== null) return problem;
    }
    return null;
  }

  /**
   * Whether a text can be run: it parses, what it calls exists, and in HTML it is clear what its values are.
   * @throws TemplateSyntaxError, TemplateRunError
   */
  check(text: string, form: TemplateForm): void {
    const { root, definitions } = this.#prepared(text, form);
    for (const definition of [root, ...definitions.values()]) {
      const problem = undefinedCallIn(definition, definitions);
      if (problem !== null) throw new TemplateRunError(`template: ${problem}`);
    }
  }

  /**
   * Runs a text that may call what the set holds, and offers a pause after every few hundred steps.
   * @throws TemplateSyntaxError, TemplateRunError
   */
  *expand(text: string, run: TemplateRun, form: TemplateForm = 'text'): Generator<void, string> {
    const { root, definitions } = this.#prepared(text, form);
    return yield* runTemplate(root, { ...run, definitions, limits: this.#limits });
  }

  #prepared(text: string, form: TemplateForm): EscapedPage {
    const kept = this.#kept[form];
    const known = kept.get(text);
    if (known) return known;
    const parsed = parseTemplate(text, {
      name: TEXT_NAME,
      functions: this.#functionNames,
      variables: this.#variables,
    });
    const definitions =
      parsed.definitions.size === 0
        ? this.#definitions
        : new Map([...this.#definitions, ...parsed.definitions]);
    const page = form === 'html' ? escapePage(parsed.root, definitions) : { root: parsed.root, definitions };
    if (kept.size >= MAX_KEPT_TEXTS) kept.clear();
    kept.set(text, page);
    return page;
  }
}

function undefinedCallIn(
  { nodes, ...definition }: Definition,
  definitions: ReadonlyMap<string, Definition>,
): string | null {
  for (const node of nodes) {
    if (node.kind === 'template' && !definitions.has(node.name)) {
      const place = sourcePlace(definition, node.span.start);
      return `${place}: template ${JSON.stringify(node.name)} not defined`;
    }
    if (!('body' in node)) continue;
    const problem = undefinedCallIn({ ...definition, nodes: [...node.body, ...node.otherwise] }, definitions);
    if (problem !== null) return problem;
  }
  return null;
}

import { sourcePlace } from '../syntax/source-place.ts';
import type { Command, Definition, Node, Pipeline } from '../syntax/nodes.ts';
import { TemplateRunError } from '../values/value.ts';
import { MarkupError } from './markup-error.ts';
import { afterMarkup } from './markup.ts';
import { joinPlaces, keyOfPlace, PAGE_START, type Place, placeOfNext, samePlace } from './place.ts';
import {
  type PredefinedEscaper,
  type ValueWriter,
  withPredefined,
  writerAt,
  writeValue,
} from './write-value.ts';

export interface EscapedPage {
  readonly root: Definition;
  readonly definitions: ReadonlyMap<string, Definition>;
}

/**
 * A template whose values are written as their places in the page demand, as Go's html/template does: what a value
 * stands in is known from the texts around it, before the template runs. A template that is called in different places
 * is there once for each.
 * @throws TemplateRunError that says where, if a value's place depends on which way the template takes
 */
export function escapePage(root: Definition, definitions: ReadonlyMap<string, Definition>): EscapedPage {
  return new PageEscaper(definitions).page(root);
}

/** Nodes as they are to run, and where the page is behind them. */
interface Escaped {
  readonly nodes: readonly Node[];
  readonly place: Place;
}

/** Where a page may be when a loop's turn ends early. */
interface Loop {
  readonly ends: Place[];
}

type Branch = Extract<Node, { body: readonly Node[] }>;

class PageEscaper {
  readonly #definitions: ReadonlyMap<string, Definition>;
  /** By the names that templates have for where they are called. */
  #escaped = new Map<string, Definition>();
  #places = new Map<string, Place>();
  /** Those that were called while they were being escaped. */
  #recursive = new Set<string>();
  #definition: Definition;
  #loop: Loop | null = null;

  constructor(definitions: ReadonlyMap<string, Definition>) {
    this.#definitions = definitions;
    this.#definition = { nodes: [], name: '', source: '', sourceName: '' };
  }

  page(root: Definition): EscapedPage {
    this.#definition = root;
    const { nodes, place } = this.#list(root.nodes, PAGE_START);
    if (place.state !== 'text' && place.state !== 'nowhere') {
      throw this.#problem(`the page ends in the middle of ${nameOfState(place)}`, root.source.length);
    }
    return { root: { ...root, nodes }, definitions: this.#escaped };
  }

  #problem(problem: string, offset: number): TemplateRunError {
    return new TemplateRunError(`template: ${sourcePlace(this.#definition, offset)}: ${problem}`);
  }

  #list(nodes: readonly Node[], start: Place): Escaped {
    const escaped: Node[] = [];
    let place = start;
    for (const node of nodes) {
      const next = this.#node(node, place);
      escaped.push(next.node);
      ({ place } = next);
      if (place.state === 'nowhere') break;
    }
    return { nodes: escaped, place };
  }

  #node(node: Node, place: Place): { readonly node: Node; readonly place: Place } {
    switch (node.kind) {
      case 'text': {
        const after = this.#atOffset(node.offset, () => afterMarkup(place, node.text));
        return { node: { ...node, text: after.text }, place: after.place };
      }
      case 'output':
        return node.pipeline.variables.length > 0 ? { node, place } : this.#output(node, placeOfNext(place));
      case 'break':
      case 'continue':
        this.#loop?.ends.push(place);
        return { node, place: { ...PAGE_START, state: 'nowhere' } };
      case 'if':
      case 'with':
        return this.#branch(node, this.#list(node.body, place), place);
      case 'range':
        return this.#branch(node, this.#turns(node, place), place);
      case 'template':
        return this.#call(node, place);
    }
  }

  #atOffset<Result>(offset: number, run: () => Result): Result {
    try {
      return run();
    } catch (thrown) {
      if (thrown instanceof MarkupError) throw this.#problem(thrown.message, offset);
      throw thrown;
    }
  }

  #output(
    node: Extract<Node, { kind: 'output' }>,
    place: Place,
  ): { readonly node: Node; readonly place: Place } {
    const { start } = node.pipeline.span;
    const writer = this.#atOffset(start, () => writerAt(place));
    const { pipeline, writer: used } = this.#withoutPredefined(node.pipeline, place, writer);
    return {
      node: {
        ...node,
        pipeline,
        escape: (value, maxCharacters) => writeValue(used, value, maxCharacters),
      },
      place,
    };
  }

  /** `{{ .Name | html }}` and `| urlquery` at the end do the work of an escaper; anywhere else they would undo it. */
  #withoutPredefined(
    pipeline: Pipeline,
    place: Place,
    writer: ValueWriter,
  ): { readonly pipeline: Pipeline; readonly writer: ValueWriter } {
    const names = pipeline.commands.map(predefinedOf);
    const misplaced = names.find((name, at) => {
      const isUnquoted = place.state === 'value' && place.quote === 'space' && name === 'html';
      return name !== null && (at < names.length - 1 || isUnquoted);
    });
    if (misplaced) {
      throw this.#problem(`${JSON.stringify(misplaced)} may only stand last`, pipeline.span.start);
    }
    const name = names.at(-1) ?? null;
    const merged = name === null ? null : withPredefined(writer, name);
    if (merged === null) return { pipeline, writer };
    return { pipeline: { ...pipeline, commands: withoutLast(pipeline.commands) }, writer: merged };
  }

  /** A loop's body may run any number of times: behind it the page has to be where it was before. */
  #turns(node: Branch, start: Place): Escaped {
    const outer = this.#loop;
    const first: Loop = { ends: [] };
    this.#loop = first;
    const body = this.#list(node.body, start);
    const place = first.ends.reduce((joined, end) => this.#join(joined, end, node), body.place);
    const again: Loop = { ends: [] };
    this.#loop = again;
    const second = this.#list(node.body, place).place;
    this.#loop = outer;
    const ends = [second, ...again.ends];
    return { ...body, place: ends.reduce((joined, end) => this.#join(joined, end, node), place) };
  }

  #branch(node: Branch, body: Escaped, start: Place): { readonly node: Node; readonly place: Place } {
    const otherwise = this.#list(node.otherwise, start);
    return {
      node: { ...node, body: body.nodes, otherwise: otherwise.nodes },
      place: this.#join(body.place, otherwise.place, node),
    };
  }

  #join(left: Place, right: Place, { kind, pipeline }: Branch): Place {
    const joined = joinPlaces(left, right);
    if (joined !== null) return joined;
    throw this.#problem(
      `the ways of {{${kind}}} end in different places: in ${nameOfState(left)}, and in ${nameOfState(right)}`,
      pipeline.span.start,
    );
  }

  #call(
    node: Extract<Node, { kind: 'template' }>,
    place: Place,
  ): { readonly node: Node; readonly place: Place } {
    const name = samePlace(place, PAGE_START) ? node.name : `${node.name} at ${keyOfPlace(place)}`;
    const known = this.#places.get(name);
    if (known !== undefined) {
      this.#recursive.add(name);
      return { node: { ...node, name }, place: known };
    }
    const called = this.#definitions.get(node.name);
    if (!called) {
      throw this.#problem(`template ${JSON.stringify(node.name)} not defined`, node.span.start);
    }
    const caller = { definition: this.#definition, loop: this.#loop };
    this.#definition = called;
    this.#loop = null;
    const after = this.#body(name, called, place);
    this.#definition = caller.definition;
    this.#loop = caller.loop;
    return { node: { ...node, name }, place: after };
  }

  /** A template that calls itself is taken to end where it begins, and if it does not, where it was seen to end. */
  #body(name: string, called: Definition, start: Place): Place {
    let assumed = start;
    for (let attempt = 1; attempt <= 2; attempt++) {
      const before = { escaped: new Map(this.#escaped), places: new Map(this.#places) };
      this.#places.set(name, assumed);
      this.#recursive.delete(name);
      const { nodes, place } = this.#list(called.nodes, start);
      if (!this.#recursive.has(name) || samePlace(place, assumed)) {
        this.#places.set(name, place);
        this.#escaped.set(name, { ...called, nodes });
        return place;
      }
      this.#escaped = before.escaped;
      this.#places = before.places;
      assumed = place;
    }
    throw this.#problem(`it is not clear where the template ${JSON.stringify(called.name)} ends`, 0);
  }
}

function predefinedOf({ called: { term, fields } }: Command): PredefinedEscaper | null {
  if (fields.length > 0 || term.kind !== 'function') return null;
  return term.name === 'html' || term.name === 'urlquery' ? term.name : null;
}

/** Without its last command; of the only one the arguments stay, printed. */
function withoutLast(commands: readonly Command[]): readonly Command[] {
  const [only, ...others] = commands;
  if (!only || others.length > 0) return commands.slice(0, -1);
  return [{ ...only, called: { ...only.called, term: { kind: 'function', name: 'print' } } }];
}

function nameOfState({ state, quote }: Place): string {
  return quote === null ? `the state "${state}"` : `the state "${state}" of an attribute`;
}

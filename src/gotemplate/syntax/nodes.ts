import type { InPieces } from '../values/in-pieces.ts';
import type { TemplateValue } from '../values/value.ts';
import type { NumberValue } from './literals.ts';

/** Where in the text something stands. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The syntax tree of a Go template. */
export type Node =
  | { readonly kind: 'text'; readonly text: string; readonly offset: number }
  | {
      readonly kind: 'output';
      readonly pipeline: Pipeline;
      /** How the value is written where that depends on what stands around it: in HTML. */
      readonly escape?: (value: TemplateValue, maxCharacters: number) => string | InPieces<string>;
    }
  | {
      readonly kind: 'if' | 'with' | 'range';
      readonly pipeline: Pipeline;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    }
  | { readonly kind: 'break' | 'continue' }
  | {
      readonly kind: 'template';
      readonly name: string;
      readonly pipeline: Pipeline | null;
      readonly span: Span;
    };

/** `$a, $b := first | second arg`; commands run from left to right, each result the last argument of the next. */
export interface Pipeline {
  readonly variables: readonly string[];
  /** Whether `variables` come into being here (`:=`) or change (`=`). */
  readonly declares: boolean;
  readonly commands: readonly Command[];
  readonly span: Span;
}

/** A function, method or value with its arguments. */
export interface Command {
  readonly called: Operand;
  readonly args: readonly Operand[];
  readonly span: Span;
}

/** A term, and the fields and methods that follow it: `.a.b`, `$x.a`, `(f 1).a`. */
export interface Operand {
  readonly term: Term;
  readonly fields: readonly string[];
  readonly span: Span;
}

export type Term =
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'number'; readonly value: NumberValue }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'nil' }
  | { readonly kind: 'dot' }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'pipeline'; readonly pipeline: Pipeline };

/** A template, or a part of one that has a name of its own. */
export interface Definition {
  /** For messages. */
  readonly name: string;
  readonly nodes: readonly Node[];
  /** The whole text that it stands in, and that text's name: for messages. */
  readonly source: string;
  readonly sourceName: string;
}

export interface ParsedTemplate {
  readonly root: Definition;
  /** What `{{ define "name" }}` and `{{ block "name" }}` hold. */
  readonly definitions: ReadonlyMap<string, Definition>;
}

/** The syntax tree of a Go template. */
export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'output'; readonly pipeline: Pipeline }
  | {
      readonly kind: 'if' | 'with';
      readonly pipeline: Pipeline;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    }
  | {
      readonly kind: 'range';
      readonly pipeline: Pipeline;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    }
  | { readonly kind: 'break' | 'continue' }
  | { readonly kind: 'call'; readonly template: string; readonly pipeline: Pipeline | null };

/** `$a, $b := first | second arg`; commands run from left to right, each result the last argument of the next. */
export interface Pipeline {
  readonly variables: readonly string[];
  /** Whether `variables` come into being here (`:=`) or change (`=`). */
  readonly declares: boolean;
  readonly commands: readonly Command[];
}

/** A function or value with its arguments. */
export interface Command {
  readonly operands: readonly [Operand, ...Operand[]];
}

export type Operand =
  | { readonly kind: 'literal'; readonly value: string | number | bigint | boolean | null }
  | { readonly kind: 'dot'; readonly fields: readonly string[] }
  | { readonly kind: 'variable'; readonly name: string; readonly fields: readonly string[] }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'pipeline'; readonly pipeline: Pipeline; readonly fields: readonly string[] };

export interface ParsedTemplate {
  readonly root: readonly Node[];
  /** What `{{ define "name" }}` holds. */
  readonly definitions: ReadonlyMap<string, readonly Node[]>;
}

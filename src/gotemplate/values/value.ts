import type { InPieces } from './in-pieces.ts';

/**
 * A value of a template. Go's `int` is a bigint and its `float64` a number, because Go tells them apart when it
 * compares and prints; null is the value that is not there. What else Go has are the classes below.
 */
export type TemplateValue =
  | null
  | string
  | number
  | bigint
  | boolean
  | GoText
  | GoInteger
  | GoSlice
  | GoMap
  | GoStruct
  | GoFunction;

/** A parameter's type by Go's name; `any` takes everything. */
export type ParameterType = 'any' | 'string' | 'float64' | 'int' | (string & {});

export interface FunctionDefinition {
  /** Of a variadic function the last one may be given any number of times. */
  readonly parameters: readonly ParameterType[];
  readonly isVariadic: boolean;
  /**
   * Called with values that fit the parameters, and with how long a text may get in this run. What takes long is given in pieces.
   * @throws with the reason; the template fails with it
   */
  readonly call: (
    args: readonly TemplateValue[],
    maxCharacters: number,
  ) => TemplateValue | InPieces<TemplateValue>;
  /** What calls have taken since this was asked last, in steps, where what goes in and comes out does not say it. */
  readonly takeEffort?: () => number;
}

/** Methods by their names: each is called with the arguments behind its receiver, which it has in its closure. */
export interface Methods {
  get(name: string): FunctionDefinition | undefined;
}

const NO_METHODS: Methods = new Map();

/** The methods of a type: each is made for a receiver when a template asks for it. */
export type MethodTable<Receiver> = ReadonlyMap<string, (receiver: Receiver) => FunctionDefinition>;

export function methodsFrom<Receiver>(table: MethodTable<Receiver>, receiver: Receiver): Methods {
  return { get: (name) => table.get(name)?.(receiver) };
}

/** What a type of its own adds to a value. */
export interface Named {
  /** What its `String()` gives; absent for types without one. */
  readonly text?: string | (() => string);
  readonly methods?: Methods;
}

abstract class NamedValue {
  readonly #named: Named;

  constructor(named: Named) {
    this.#named = named;
  }

  /** What its `String()` gives; null for types without one. */
  get text(): string | null {
    const { text } = this.#named;
    return typeof text === 'function' ? text() : (text ?? null);
  }

  get methods(): Methods {
    return this.#named.methods ?? NO_METHODS;
  }
}

/** A text of a type other than `string`: one that is known to be HTML, or an address. */
export class GoText {
  readonly type: string;
  readonly value: string;

  constructor(type: string, value: string) {
    this.type = type;
    this.value = value;
  }
}

/** An integer of a type other than `int`: a byte, an int64, a duration, a month. */
export class GoInteger extends NamedValue {
  readonly type: string;
  readonly value: bigint;

  constructor(type: string, value: bigint, named: Named = {}) {
    super(named);
    this.type = type;
    this.value = value;
  }

  get isUnsigned(): boolean {
    return this.type.startsWith('uint');
  }
}

export class GoSlice extends NamedValue {
  readonly type: string;
  /** What a named type is a name of, such as `[]string`: it fits a parameter of that type. */
  readonly underlying: string;
  readonly items: readonly TemplateValue[];

  constructor(
    items: readonly TemplateValue[],
    type = '[]interface {}',
    named: Named & { readonly underlying?: string } = {},
  ) {
    super(named);
    this.items = items;
    this.type = type;
    this.underlying = named.underlying ?? type;
  }
}

/** A map with keys of text. A key that is missing reads as `zero`, as in Go. */
export class GoMap extends NamedValue {
  readonly type: string;
  readonly entries: ReadonlyMap<string, TemplateValue>;
  readonly zero: TemplateValue;

  constructor(
    entries: ReadonlyMap<string, TemplateValue>,
    options: { readonly type: string; readonly zero: TemplateValue } & Named,
  ) {
    super(options);
    this.entries = entries;
    this.type = options.type;
    this.zero = options.zero;
  }

  /** A `map[string]string`, such as a label set. */
  static ofTexts(texts: Readonly<Record<string, string>>): GoMap {
    return new GoMap(new Map(Object.entries(texts)), { type: 'map[string]string', zero: '' });
  }

  /** In the order Go prints and ranges over a map in: by the bytes of its keys. */
  sortedKeys(): readonly string[] {
    return [...this.entries.keys()].sort(compareTexts);
  }
}

/** The fields of a struct, in their order. */
export interface Fields extends Iterable<readonly [string, TemplateValue]> {
  get(name: string): TemplateValue | undefined;
}

/** A struct, or a pointer to one: its fields in their order, and its methods. */
export class GoStruct extends NamedValue {
  readonly type: string;
  readonly fields: Fields;
  /** The names of its fields in JSON, in their order: those alone are written. Null: all by their own names. */
  readonly jsonNames: ReadonlyMap<string, string> | null;

  constructor(
    type: string,
    fields: Fields,
    named: Named & { readonly jsonNames?: ReadonlyMap<string, string> } = {},
  ) {
    super(named);
    this.type = type;
    this.fields = fields;
    this.jsonNames = named.jsonNames ?? null;
  }
}

/** A function as a value, for `call`. */
export class GoFunction {
  readonly definition: FunctionDefinition;

  constructor(definition: FunctionDefinition) {
    this.definition = definition;
  }

  get type(): string {
    const { parameters, isVariadic } = this.definition;
    const last = parameters.length - 1;
    const names = parameters.map((name, place) => (isVariadic && place === last ? `...${name}` : name));
    return `func(${names.join(', ')}) interface {}`;
  }
}

/** What a template fails with while it runs; Prometheus puts the message into the text. */
export class TemplateRunError extends Error {
  override readonly name = 'TemplateRunError';
  /** Whether it took more, or its text got longer, than a run may: with less to say it may not. */
  readonly exceedsLimit: boolean;

  constructor(message: string, { exceedsLimit = false }: { readonly exceedsLimit?: boolean } = {}) {
    super(message);
    this.exceedsLimit = exceedsLimit;
  }
}

/** Go's name of the value's type. */
export function typeName(value: TemplateValue): string {
  if (value === null) return '<nil>';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'number') return 'float64';
  if (typeof value === 'bigint') return 'int';
  return typeof value === 'boolean' ? 'bool' : value.type;
}

/** What `if`, `and`, `or` and `not` take for true: anything but zero, the empty and nil. */
export function isTruthy(value: TemplateValue): boolean {
  if (value === null) return false;
  if (typeof value !== 'object') return Boolean(value);
  if (value instanceof GoInteger) return value.value !== 0n;
  if (value instanceof GoText) return value.value !== '';
  if (value instanceof GoSlice) return value.items.length > 0;
  if (value instanceof GoMap) return value.entries.size > 0;
  return true;
}

/** The text of an argument whose parameter is a `string`: what calls a function has checked it. */
export function textOf(value: TemplateValue | undefined): string {
  if (typeof value === 'string') return value;
  throw new TemplateRunError(`wrong type for value; expected string; got ${typeName(value ?? null)}`);
}

/** The integer of whatever type; null for everything else. */
export function integerOf(value: TemplateValue): bigint | null {
  if (typeof value === 'bigint') return value;
  return value instanceof GoInteger ? value.value : null;
}

/** The text of a string of whatever type; null for everything else. */
export function stringOf(value: TemplateValue): string | null {
  if (typeof value === 'string') return value;
  return value instanceof GoText ? value.value : null;
}

export function methodsOf(value: TemplateValue): Methods {
  return value instanceof NamedValue ? value.methods : NO_METHODS;
}

/** Go's order of strings, that of their bytes in UTF-8. JavaScript's, of UTF-16 units, differs beyond U+D7FF. */
export function compareTexts(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    const a = left.charCodeAt(at);
    const b = right.charCodeAt(at);
    if (a === b) continue;
    const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff;
    if (isSurrogate(a) !== isSurrogate(b)) return isSurrogate(a) ? 1 : -1;
    return a - b;
  }
  return left.length - right.length;
}

import {
  compareTexts,
  fixed,
  type FunctionDefinition,
  GoMap,
  GoSlice,
  GoStruct,
  methodsFrom,
  type Methods,
  type MethodTable,
  textOf,
  type TemplateValue,
} from '#gotemplate';
import type { Labels } from '#telemetry';

type Pair = readonly [name: string, value: string];

/** A label set, or annotations, as templates have them: Alertmanager's `KV`. */
export class KeyValues extends GoMap {
  readonly #pairs: readonly Pair[];

  constructor(pairs: readonly Pair[]) {
    super(new Map(pairs), { type: 'template.KV', zero: '' });
    this.#pairs = pairs;
  }

  static of(texts: Labels): KeyValues {
    return new KeyValues(Object.entries(texts));
  }

  override get text(): string {
    return textOfPairs(sorted(this.#pairs));
  }

  override get methods(): Methods {
    return methodsFrom(KEY_VALUE_METHODS, this.#pairs);
  }
}

const KEY_VALUE_METHODS: MethodTable<readonly Pair[]> = new Map<
  string,
  (entries: readonly Pair[]) => FunctionDefinition
>([
  ['SortedPairs', (entries) => fixed([], () => pairsValue(sorted(entries)))],
  ['Remove', (entries) => fixed(['[]string'], ([names = null]) => without(entries, names))],
  ['Names', (entries) => fixed([], () => strings(sorted(entries).map(([name]) => name)))],
  ['Values', (entries) => fixed([], () => strings(sorted(entries).map(([, value]) => value)))],
  ['String', (entries) => fixed([], () => textOfPairs(sorted(entries)))],
]);

/** By name, but the alert's name first. */
function sorted(entries: readonly Pair[]): readonly Pair[] {
  return [...entries].sort(([left], [right]) => {
    if (left === 'alertname' || right === 'alertname') return left === 'alertname' ? -1 : 1;
    return compareTexts(left, right);
  });
}

function without(entries: readonly Pair[], names: TemplateValue): KeyValues {
  const removed = new Set(names instanceof GoSlice ? names.items : []);
  return new KeyValues(entries.filter(([name]) => !removed.has(name)));
}

function textOfPairs(pairs: readonly Pair[]): string {
  return pairs.map(([name, value]) => `${name}=${value}`).join(', ');
}

function pairsValue(pairs: readonly Pair[]): GoSlice {
  const items = pairs.map(
    ([name, value]) =>
      new GoStruct(
        'template.Pair',
        new Map([
          ['Name', name],
          ['Value', value],
        ]),
      ),
  );
  return new GoSlice(items, 'template.Pairs', {
    text: () => textOfPairs(pairs),
    methods: methodsFrom(PAIR_METHODS, pairs),
  });
}

const PAIR_METHODS: MethodTable<readonly Pair[]> = new Map<
  string,
  (pairs: readonly Pair[]) => FunctionDefinition
>([
  ['Names', (pairs) => fixed([], () => strings(pairs.map(([name]) => name)))],
  ['Values', (pairs) => fixed([], () => strings(pairs.map(([, value]) => value)))],
  ['String', (pairs) => fixed([], () => textOfPairs(pairs))],
]);

function strings(texts: readonly string[]): GoSlice {
  return new GoSlice(texts, 'template.Strings', {
    underlying: '[]string',
    methods: methodsFrom(STRINGS_METHODS, texts),
  });
}

const STRINGS_METHODS: MethodTable<readonly string[]> = new Map([
  ['Join', (texts: readonly string[]) => fixed(['string'], ([separator]) => texts.join(textOf(separator)))],
]);

import {
  compareTexts,
  fixed,
  type FunctionDefinition,
  GoMap,
  GoSlice,
  GoStruct,
  textOf,
  type TemplateValue,
} from '#gotemplate';
import type { Labels } from '#telemetry';

type Pair = readonly [name: string, value: string];

/** A label set, or annotations, as templates have them: Alertmanager's `KV`. */
export function keyValues(texts: Labels): GoMap {
  return keyValuesOf(Object.entries(texts));
}

function keyValuesOf(entries: readonly Pair[]): GoMap {
  return new GoMap(new Map(entries), {
    type: 'template.KV',
    zero: '',
    text: () => textOfPairs(sorted(entries)),
    methods: () => methodsOf(entries),
  });
}

function methodsOf(entries: readonly Pair[]): ReadonlyMap<string, FunctionDefinition> {
  return new Map<string, FunctionDefinition>([
    ['SortedPairs', fixed([], () => pairsValue(sorted(entries)))],
    ['Remove', fixed(['[]string'], ([names = null]) => without(entries, names))],
    ['Names', fixed([], () => strings(sorted(entries).map(([name]) => name)))],
    ['Values', fixed([], () => strings(sorted(entries).map(([, value]) => value)))],
    ['String', fixed([], () => textOfPairs(sorted(entries)))],
  ]);
}

/** By name, but the alert's name first. */
function sorted(entries: readonly Pair[]): readonly Pair[] {
  return [...entries].sort(([left], [right]) => {
    if (left === 'alertname' || right === 'alertname') return left === 'alertname' ? -1 : 1;
    return compareTexts(left, right);
  });
}

function without(entries: readonly Pair[], names: TemplateValue): GoMap {
  const removed = new Set(names instanceof GoSlice ? names.items : []);
  return keyValuesOf(entries.filter(([name]) => !removed.has(name)));
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
    methods: () =>
      new Map<string, FunctionDefinition>([
        ['Names', fixed([], () => strings(pairs.map(([name]) => name)))],
        ['Values', fixed([], () => strings(pairs.map(([, value]) => value)))],
        ['String', fixed([], () => textOfPairs(pairs))],
      ]),
  });
}

function strings(texts: readonly string[]): GoSlice {
  return new GoSlice(texts, 'template.Strings', {
    underlying: '[]string',
    methods: () => new Map([['Join', fixed(['string'], ([separator]) => texts.join(textOf(separator)))]]),
  });
}

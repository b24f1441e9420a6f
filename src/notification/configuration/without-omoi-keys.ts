import {
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  parseDocument,
  stringify,
  visit,
  type Pair,
  type YAMLMap,
} from 'yaml';

const KEY = 'x-omoi';
/** Nothing is read as anything but the text that stands there. */
const AS_WRITTEN = { schema: 'failsafe', merge: true, logLevel: 'error', uniqueKeys: false } as const;

/**
 * A configuration without what Omoi adds to it, for programs that read Alertmanager's own strictly. Comments, order and form of
 * the rest stay, unless something in it repeats a part of what is left out (an alias): then it is written anew, without comments.
 * @param text a configuration that was read without a mistake
 */
export function withoutOmoiKeys(text: string): string {
  if (!text.includes(KEY)) return text;
  const document = parseDocument(text, AS_WRITTEN);
  const cuts: Cut[] = [];
  const anchorsLeftOut = new Set<string>();
  const aliasesKept: string[] = [];
  let isOdd = false;
  visit(document, {
    Pair(_, pair, ancestors) {
      const map = ancestors.at(-1);
      if (!isMap(map) || !isOmoiKey(pair, ancestors)) return undefined;
      for (const anchor of anchorsIn(pair)) anchorsLeftOut.add(anchor);
      const cut = cutOf(text, map, pair);
      if (cut === null) isOdd = true;
      else cuts.push(cut);
      return visit.SKIP;
    },
    Alias(_, alias) {
      aliasesKept.push(alias.source);
    },
  });
  if (isOdd || aliasesKept.some((name) => anchorsLeftOut.has(name))) {
    return stringify(withoutKey(document.toJS(), []), { schema: 'failsafe', aliasDuplicateObjects: false });
  }
  let kept = '';
  let at = 0;
  for (const { from, to, instead } of cuts) {
    kept += text.slice(at, from) + instead;
    at = to;
  }
  return kept + text.slice(at);
}

interface Cut {
  readonly from: number;
  readonly to: number;
  readonly instead: string;
}

/** Null where it is written in a way that cannot be cut out: `? x-omoi`. */
function cutOf(text: string, map: YAMLMap, pair: Pair): Cut | null {
  const start = startOf(pair);
  if (start === null) return null;
  const index = map.items.indexOf(pair);
  const [before, next] = [map.items[index - 1], map.items[index + 1]];
  const nextStart = next === undefined ? null : startOf(next);
  const end = endOf(pair) ?? text.length;
  if (map.flow === true) {
    if (nextStart !== null) return { from: start, to: nextStart, instead: '' };
    if (before !== undefined) return { from: endOf(before) ?? start, to: end, instead: '' };
    return { from: start, to: end, instead: text[map.range?.[0] ?? 0] === '{' ? '' : '{}' };
  }
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const head = text.slice(lineStart, start);
  if (head.includes('?')) return null;
  const to = text[end - 1] === '\n' ? end : lineEnd(text, end);
  if (map.items.length === 1) return { from: start, to, instead: '{}\n' };
  if (head.trim() === '') return { from: lineStart, to, instead: '' };
  return nextStart === null ? null : { from: start, to: nextStart, instead: '' };
}

function lineEnd(text: string, from: number): number {
  const at = text.indexOf('\n', from);
  return at === -1 ? text.length : at + 1;
}

function startOf({ key }: Pair): number | null {
  return isScalar(key) ? (key.range?.[0] ?? null) : null;
}

function endOf({ key, value }: Pair): number | null {
  const node = (value ?? key) as { readonly range?: readonly number[] | null } | null;
  return node?.range?.[1] ?? null;
}

/** Whether it stands where Omoi's own keys do; what somebody calls so in a payload or a matcher is theirs. */
function isOmoiKey({ key }: Pair, ancestors: readonly unknown[]): boolean {
  if (!isScalar(key) || key.value !== KEY) return false;
  const path = ancestors.flatMap((node) => {
    if (!isPair(node)) return [];
    return isScalar(node.key) ? [String(node.key.value)] : ['?'];
  });
  return isOmoiPlace(path);
}

/** @param path the keys above it; items of lists have none */
function isOmoiPlace(path: readonly string[]): boolean {
  const [top, below = '', ...rest] = path;
  if (top === undefined) return true;
  if (top === 'route') return path.slice(1).every((name) => name === 'routes');
  return top === 'receivers' && (below === '' || (below.endsWith('_configs') && rest.length === 0));
}

function anchorsIn(pair: Pair): readonly string[] {
  const anchors: string[] = [];
  if (isNode(pair.value))
    visit(pair.value, {
      Node(_, node) {
        if (!isAlias(node) && node.anchor !== undefined) anchors.push(node.anchor);
      },
    });
  return anchors;
}

function withoutKey(value: unknown, path: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutKey(item, path));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([name]) => name !== KEY || !isOmoiPlace(path));
  return Object.fromEntries(entries.map(([name, inner]) => [name, withoutKey(inner, [...path, name])]));
}

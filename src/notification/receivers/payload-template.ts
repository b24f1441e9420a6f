import { parseDocument } from 'yaml';

import { compareBytes, goText, goValue } from './go-json.ts';

/** A text is YAML of at most so many references, so that a few lines cannot become millions. */
export const maxYamlAliases = 100;
/** A longer text that is no JSON stays a text: YAML takes a third of a second a megabyte, in which nothing else would happen. */
export const maxYamlCharacters = 64 * 1024;

/** YAML 1.1 without times of day as numbers (`1:30`), which Alertmanager's reader does not know. */
const AS_ALERTMANAGER = {
  version: '1.1',
  schema: 'yaml-1.1',
  intAsBigInt: true,
  uniqueKeys: false,
  logLevel: 'silent',
  customTags: (tags: readonly unknown[]) =>
    tags.filter(
      (tag) => !(typeof tag === 'object' && tag !== null && 'format' in tag && tag.format === 'TIME'),
    ),
} as const;

/** What a text is as YAML: a number, a list, a mapping …; the text itself where it is a text, or no YAML. */
function valueOf(text: string): unknown {
  const json = jsonOf(text);
  if (json !== undefined) return json;
  return text.length > maxYamlCharacters ? text : yamlOf(text);
}

/** Lists and mappings that are JSON, as most are: it is YAML, and read a hundred times as fast. Undefined for all else. */
function jsonOf(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    // A number that is long may not be one of JavaScript's.
    return /\d{16}/.test(text) ? JSON.parse(text, exactNumber) : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function exactNumber(_: string, value: unknown, { source = '' }: { readonly source?: string } = {}): unknown {
  return typeof value === 'number' && /^-?\d+$/.test(source) ? BigInt(source) : value;
}

function yamlOf(text: string): unknown {
  try {
    const document = parseDocument(text, AS_ALERTMANAGER as never);
    if (document.errors.length > 0) return text;
    // The reader counts what is referred to, too.
    const value: unknown = document.toJS({ maxAliasCount: maxYamlAliases + 1, mapAsMap: true });
    return typeof value === 'string' ? text : plain(value);
  } catch {
    return text;
  }
}

/** Mappings as objects; keys that are no texts are left out. */
function plain(value: unknown): unknown {
  if (value instanceof Map) {
    const members = [...value].filter(([key]) => typeof key === 'string');
    return Object.fromEntries(members.map(([key, inner]) => [key, plain(inner)]));
  }
  return Array.isArray(value) ? value.map(plain) : value;
}

/**
 * A payload of a configuration: keys and texts are templates, and what a text becomes is read as YAML, so that
 * `'{{ .CommonLabels | toJson }}'` is an object. What is read so stays as it is.
 *
 * @param expand runs a template
 */
export function payloadValue(template: unknown, expand: (text: string) => string): unknown {
  if (typeof template === 'string') return valueOf(expand(template));
  if (Array.isArray(template)) return template.map((item) => payloadValue(item, expand));
  if (!isMapping(template)) return template;
  return Object.fromEntries(
    textKeysOf(template).map(([key, inner]) => [expand(key), payloadValue(inner, expand)]),
  );
}

/**
 * `payloadValue` in JSON. What a template has written in JSON stays as it has written it: it is long where it has all alerts.
 *
 * @throws TemplateFailure where a value is none of JSON
 */
export function payloadJson(template: unknown, expand: (text: string) => string): string {
  if (typeof template === 'string') {
    const text = expand(template);
    return jsonOf(text) === undefined ? goValue(valueOf(text)) : text;
  }
  if (Array.isArray(template)) return `[${template.map((item) => payloadJson(item, expand)).join(',')}]`;
  if (!isMapping(template)) return goValue(template);
  const members = new Map(
    textKeysOf(template).map(([key, inner]) => [expand(key), payloadJson(inner, expand)] as const),
  );
  return membersText(members);
}

/** An object of values that are JSON already. */
export function membersText(members: ReadonlyMap<string, string>): string {
  const sorted = [...members].sort(([left], [right]) => compareBytes(left, right));
  return `{${sorted.map(([name, text]) => `${goText(name)}:${text}`).join(',')}}`;
}

function isMapping(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(value instanceof Date);
}

function textKeysOf(mapping: object): readonly (readonly [string, unknown])[] {
  const entries: readonly (readonly [unknown, unknown])[] =
    mapping instanceof Map ? [...mapping] : Object.entries(mapping);
  return entries.filter((entry): entry is readonly [string, unknown] => typeof entry[0] === 'string');
}

/** The templates of a payload with their places. */
export function templatesOf(
  template: unknown,
  path: readonly (string | number)[],
): readonly { readonly path: readonly (string | number)[]; readonly text: string }[] {
  if (typeof template === 'string') return [{ path, text: template }];
  if (Array.isArray(template)) return template.flatMap((item, index) => templatesOf(item, [...path, index]));
  if (typeof template !== 'object' || template === null) return [];
  return Object.entries(template).flatMap(([key, inner]) => [
    { path: [...path, key], text: key },
    ...templatesOf(inner, [...path, key]),
  ]);
}

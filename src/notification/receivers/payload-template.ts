import { Composer, Lexer, Parser } from 'yaml';

import type { SharedStretch } from '#telemetry';
import type { Expand } from '../templates/message-templates.ts';
import { compareBytes, goText, goValue } from './go-json.ts';
import { inOrder } from './in-order.ts';

/** A text is YAML of at most so many references, so that a few lines cannot become millions. */
export const maxYamlAliases = 100;
/** A longer text that is no JSON stays a text: what YAML makes of its parts is made in one go, some milliseconds for so many. */
export const maxYamlCharacters = 16 * 1024;
/** A whole number that is longer is a text: no float64 is, and to read a megabyte of digits takes half a second. */
export const maxIntegerDigits = 309;
/** So many words of YAML are read between two pauses. */
const wordsPerPiece = 200;

/** What makes a payload of its templates. */
export interface PayloadTools {
  readonly expand: Expand;
  /** What all messages that are being written share of a turn. */
  readonly writing: SharedStretch;
}

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
async function valueOf(text: string, writing: SharedStretch): Promise<unknown> {
  const json = jsonOf(text);
  if (json !== undefined) return json;
  return text.length > maxYamlCharacters ? text : await writing.run(yamlOf(text));
}

/** Lists and mappings that are JSON, as most are: it is YAML, and read a hundred times as fast. Undefined for all else. */
function jsonOf(text: string): unknown {
  // A number that is long may not be one of JavaScript's.
  return parsed(text, /\d{16}/.test(text) ? exactNumber : undefined);
}

function parsed(text: string, reviver?: typeof exactNumber): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text, reviver);
  } catch {
    return undefined;
  }
}

function exactNumber(_: string, value: unknown, { source = '' }: { readonly source?: string } = {}): unknown {
  if (typeof value !== 'number' || !/^-?\d+$/.test(source)) return value;
  return source.replace('-', '').length > maxIntegerDigits ? source : BigInt(source);
}

function* yamlOf(text: string): Generator<void, unknown> {
  try {
    const document = yield* firstDocument(text);
    if (!document || document.errors.length > 0) return text;
    // The reader counts what is referred to, too.
    const value: unknown = document.toJS({ maxAliasCount: maxYamlAliases + 1, mapAsMap: true });
    return typeof value === 'string' ? text : plain(value);
  } catch {
    return text;
  }
}

/** As `parseDocument`, which takes no pauses. */
function* firstDocument(text: string) {
  const parser = new Parser();
  const composer = new Composer(AS_ALERTMANAGER as never);
  let words = 0;
  for (const word of new Lexer().lex(text)) {
    for (const token of parser.next(word)) for (const document of composer.next(token)) return document;
    if (++words % wordsPerPiece === 0) yield;
  }
  yield;
  for (const token of parser.end()) for (const document of composer.next(token)) return document;
  for (const document of composer.end(true, text.length)) return document;
  return null;
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
 */
export async function payloadValue(template: unknown, tools: PayloadTools): Promise<unknown> {
  const { expand, writing } = tools;
  if (typeof template === 'string') return await valueOf(await expand(template), writing);
  if (Array.isArray(template)) return await inOrder(template, (item) => payloadValue(item, tools));
  if (!isMapping(template)) return template;
  const members = await inOrder(
    textKeysOf(template),
    async ([key, inner]) => [await expand(key), await payloadValue(inner, tools)] as const,
  );
  return Object.fromEntries(members);
}

/**
 * `payloadValue` in JSON. What a template has written in JSON stays as it has written it: it is long where it has all alerts.
 *
 * Rejects with a TemplateFailure where a value is none of JSON.
 */
export async function payloadJson(template: unknown, tools: PayloadTools): Promise<string> {
  const { expand, writing } = tools;
  if (typeof template === 'string') {
    const text = await expand(template);
    return parsed(text) === undefined ? goValue(await valueOf(text, writing)) : text;
  }
  if (Array.isArray(template)) {
    const items = await inOrder(template, (item) => payloadJson(item, tools));
    return `[${items.join(',')}]`;
  }
  if (!isMapping(template)) return goValue(template);
  const members = await inOrder(
    textKeysOf(template),
    async ([key, inner]) => [await expand(key), await payloadJson(inner, tools)] as const,
  );
  return membersText(new Map(members));
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

import { parseDocument } from 'yaml';

import { goValue } from './go-json.ts';

/** A text is YAML of at most so many references, so that a few lines cannot become millions. */
const maxYamlAliases = 100;

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
  try {
    const document = parseDocument(text, AS_ALERTMANAGER as never);
    if (document.errors.length > 0) return text;
    const value: unknown = document.toJS({ maxAliasCount: maxYamlAliases, mapAsMap: true });
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
  if (typeof template !== 'object' || template === null || template instanceof Date) return template;
  const entries: readonly (readonly [unknown, unknown])[] =
    template instanceof Map ? [...template] : Object.entries(template);
  return Object.fromEntries(
    entries
      .filter((entry): entry is readonly [string, unknown] => typeof entry[0] === 'string')
      .map(([key, inner]) => [expand(key), payloadValue(inner, expand)]),
  );
}

/** As Go encodes it, with a line feed at the end. @throws TemplateFailure */
export function payloadText(template: unknown, expand: (text: string) => string): string {
  return `${goValue(payloadValue(template, expand))}\n`;
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

import { assertTextFits, MAX_PRINTED_DEPTH } from '../limits.ts';
import { GoTime } from '../time/time.ts';
import {
  GoInteger,
  GoMap,
  GoSlice,
  GoStruct,
  GoText,
  TemplateRunError,
  type TemplateValue,
  typeName,
} from '../values/value.ts';

/** Go's json.Marshal: keys of maps sorted, `<`, `>` and `&` escaped. @throws TemplateRunError */
export function toJson(value: TemplateValue, maxCharacters: number): string {
  return new JsonText(maxCharacters).of(value, 0);
}

class JsonText {
  readonly #maxCharacters: number;
  #length = 0;

  constructor(maxCharacters: number) {
    this.#maxCharacters = maxCharacters;
  }

  of(value: TemplateValue, depth: number): string {
    if (depth > MAX_PRINTED_DEPTH) {
      throw new TemplateRunError('json: the value is nested too deeply to be written');
    }
    if (value === null) return this.#counted('null');
    if (typeof value === 'string') return this.#counted(jsonString(value));
    if (value instanceof GoText) return this.#counted(jsonString(value.value));
    if (typeof value !== 'object') return this.#counted(plainJson(value));
    if (value instanceof GoInteger) return this.#counted(String(value.value));
    if (value instanceof GoTime) return this.#counted(jsonString(value.rfc3339()));
    if (value instanceof GoSlice) return `[${value.items.map((item) => this.of(item, depth + 1)).join(',')}]`;
    if (value instanceof GoMap) {
      return this.#object(
        value.sortedKeys().map((key) => [key, value.entries.get(key) ?? null] as const),
        depth,
      );
    }
    if (value instanceof GoStruct) return this.#object(fieldsInJson(value), depth);
    throw new TemplateRunError(`json: unsupported type: ${typeName(value)}`);
  }

  #object(entries: readonly (readonly [string, TemplateValue])[], depth: number): string {
    const members = entries.map(
      ([key, value]) => `${this.#counted(jsonString(key))}:${this.of(value, depth + 1)}`,
    );
    return `{${members.join(',')}}`;
  }

  /** Fails as soon as the whole gets too long: values may share parts, so that they are longer than they look. */
  #counted(text: string): string {
    this.#length += text.length + 1;
    assertTextFits(this.#length, this.#maxCharacters);
    return text;
  }
}

function fieldsInJson({ fields, jsonNames }: GoStruct): readonly (readonly [string, TemplateValue])[] {
  if (jsonNames === null) return [...fields];
  return [...jsonNames].map(([field, name]) => [name, fields.get(field) ?? null]);
}

function plainJson(value: number | bigint | boolean): string {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new TemplateRunError(`json: unsupported value: ${String(value).replace('Infinity', 'Inf')}`);
  }
  return Object.is(value, -0) ? '-0' : String(value);
}

function jsonString(text: string): string {
  return JSON.stringify(text.toWellFormed()).replace(
    /[<>&\u2028\u2029]/g,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

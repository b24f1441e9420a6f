import { assertTextFits, MAX_PRINTED_DEPTH } from '../limits.ts';
import { PIECE_CHARACTERS, piecesOf } from '../pieces.ts';
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

/** Go's json.Marshal: keys of maps sorted, `<`, `>` and `&` escaped. Offers pauses where it gets long. @throws TemplateRunError */
export function toJson(value: TemplateValue, maxCharacters: number): Generator<void, string> {
  return new JsonText(maxCharacters).of(value, 0);
}

class JsonText {
  readonly #maxCharacters: number;
  #length = 0;
  #pauseAt = PIECE_CHARACTERS;

  constructor(maxCharacters: number) {
    this.#maxCharacters = maxCharacters;
  }

  *of(value: TemplateValue, depth: number): Generator<void, string> {
    if (depth > MAX_PRINTED_DEPTH) {
      throw new TemplateRunError('json: the value is nested too deeply to be written');
    }
    if (value === null) return this.#counted('null');
    if (typeof value === 'string') return yield* this.#text(value);
    if (value instanceof GoText) return yield* this.#text(value.value);
    if (typeof value !== 'object') return this.#counted(plainJson(value));
    if (value instanceof GoInteger) return this.#counted(String(value.value));
    if (value instanceof GoTime) return this.#counted(jsonString(value.rfc3339()));
    if (value instanceof GoSlice) return yield* this.#list(value.items, depth);
    if (value instanceof GoMap) {
      const entries = value.sortedKeys().map((key) => [key, value.entries.get(key) ?? null] as const);
      return yield* this.#object(entries, depth);
    }
    if (value instanceof GoStruct) return yield* this.#object(fieldsInJson(value), depth);
    throw new TemplateRunError(`json: unsupported type: ${typeName(value)}`);
  }

  *#list(items: readonly TemplateValue[], depth: number): Generator<void, string> {
    const written: string[] = [];
    for (const item of items) {
      written.push(this.#short(item) ?? (yield* this.of(item, depth + 1)));
      if (this.#isPauseDue()) yield;
    }
    return `[${written.join(',')}]`;
  }

  *#object(entries: readonly (readonly [string, TemplateValue])[], depth: number): Generator<void, string> {
    const members: string[] = [];
    for (const [key, value] of entries) {
      const name = this.#short(key) ?? (yield* this.#text(key));
      members.push(`${name}:${this.#short(value) ?? (yield* this.of(value, depth + 1))}`);
      if (this.#isPauseDue()) yield;
    }
    return `{${members.join(',')}}`;
  }

  /** A text that is written in one go, as most values are; null for all else. */
  #short(value: TemplateValue): string | null {
    if (typeof value !== 'string' || value.length > PIECE_CHARACTERS) return null;
    return this.#counted(jsonString(value));
  }

  *#text(text: string): Generator<void, string> {
    const short = this.#short(text);
    if (short !== null) return short;
    let written = '"';
    for (const piece of piecesOf(text)) {
      written += this.#counted(jsonString(piece).slice(1, -1));
      yield;
    }
    return `${written}"`;
  }

  #isPauseDue(): boolean {
    if (this.#length < this.#pauseAt) return false;
    this.#pauseAt = this.#length + PIECE_CHARACTERS;
    return true;
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

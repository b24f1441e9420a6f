import { z } from 'zod';

/**
 * Whether every database gives the text back as it was: PostgreSQL takes no NUL, and half of a surrogate pair becomes
 * U+FFFD in UTF-8, so that two different keys would be one.
 */
function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

/** A text of a request that is kept as it is: a key, a name, a reason. */
export function storedText(maxCharacters: number) {
  return z
    .string()
    .max(maxCharacters)
    .refine(isStorable, 'must have neither NUL nor half of a surrogate pair');
}

/** For a text that a program wrote and nobody looks up, as the last words of a process: what cannot be kept is U+FFFD. */
export function toStorable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}

/**
 * What a program says for people to read, beside what matters: no reason to refuse a sign of life or a result. What is
 * too long is cut, and what cannot be kept is U+FFFD.
 */
export function remarkText(maxCharacters: number) {
  return z
    .string()
    .overwrite((text) => toStorable(text.slice(0, cutAt(text, maxCharacters))))
    .describe(`What is longer than ${maxCharacters} characters is cut.`);
}

/** Not between the halves of a surrogate pair. */
function cutAt(text: string, maxCharacters: number): number {
  const isSplit = text.length > maxCharacters && (text.codePointAt(maxCharacters - 1) ?? 0) > 0xffff;
  return isSplit ? maxCharacters - 1 : maxCharacters;
}

/** A new one each time: zod takes the message out of it. */
const unusableKey = () => ({ path: ['__proto__'], message: 'no such name can be used here' });

function hasUsableKeys(given: unknown): boolean {
  return typeof given !== 'object' || given === null || !Object.hasOwn(given, '__proto__');
}

/** A record whose keys others choose. A `z.record` drops the key `__proto__`; this one refuses it. */
export function recordOf<Key extends z.ZodString, Value extends z.ZodType>(key: Key, value: Value) {
  return z.preprocess(
    (given, context) => {
      if (!hasUsableKeys(given)) context.addIssue({ code: 'custom', ...unusableKey() });
      return given;
    },
    z.record(key, value),
  );
}

/**
 * A record of a request whose number of entries is looked at before the entries are: zod takes some microseconds for
 * each, and a body of 4 MB has room for half a million.
 */
export function recordOfAtMost<Key extends z.ZodString, Value extends z.ZodType>(
  maxEntries: number,
  key: Key,
  value: Value,
) {
  const isSmall = (given: unknown): given is Record<string, unknown> =>
    typeof given === 'object' && given !== null && Object.keys(given).length <= maxEntries;
  const { $schema: _dialect, ...additionalProperties } = z.toJSONSchema(value, {
    io: 'input',
    unrepresentable: 'any',
  });
  return z
    .custom<Record<string, unknown>>(isSmall, `must be an object of at most ${maxEntries} entries`)
    .meta({ type: 'object', maxProperties: maxEntries, additionalProperties })
    .refine(hasUsableKeys, unusableKey())
    .pipe(z.record(key, value));
}

import { OmoiError } from '#telemetry';

/**
 * Every literal beyond the largest double has an exponent of three digits, or 200 digits before it. Texts may too. A run
 * of digits is looked at from its start alone: from each digit on, a run of 199 would be read 199 times.
 */
const MAY_BE_TOO_LARGE = /\d[eE]\+?\d{3}|(?<!\d)\d{200}/;

/**
 * A number beyond the largest double reads as infinite, and would be written as null.
 * @param text of JSON, and `value` what it was read as
 * @returns what names the place of such a number; null where there is none
 */
export function infiniteNumber(text: string, value: unknown): OmoiError | null {
  if (!MAY_BE_TOO_LARGE.test(text)) return null;
  const left: { readonly value: unknown; readonly place: string }[] = [{ value, place: 'body' }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { value: at, place } = next;
    if (at === Number.POSITIVE_INFINITY || at === Number.NEGATIVE_INFINITY) {
      return new OmoiError(
        'invalid_request',
        `${place}: this number is larger than any that can be kept (1.8e308); send it as a text`,
      );
    }
    if (typeof at !== 'object' || at === null) continue;
    for (const [key, inner] of Object.entries(at)) {
      if (typeof inner === 'number' || typeof inner === 'object')
        left.push({ value: inner, place: `${place}.${key}` });
    }
  }
  return null;
}

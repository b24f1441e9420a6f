import { z } from 'zod';

const DIGITS = /^\d{1,16}$/;

/**
 * A whole number in a query, written with digits alone: `Number` would take an empty text for 0, and `0x10`, `1e2` and
 * ` 5` for numbers too. More than one is none.
 */
export function wholeNumber({ min, max }: { readonly min: number; readonly max?: number }) {
  const error = ({ code }: { readonly code: string }): string | undefined =>
    code === 'invalid_type' ? 'must be a whole number, in digits' : undefined;
  const number = z.number({ error }).int().min(min);
  return z.preprocess(
    (given) => (typeof given === 'string' && DIGITS.test(given) ? Number(given) : given),
    max === undefined ? number : number.max(max),
  );
}

import { z } from 'zod';

/** What an offset's `+` becomes in a URL where it is not written as `%2B`. */
const SPACE_BEFORE_OFFSET = / (?=\d\d:\d\d$)/;

/** A time in a query, RFC 3339 with `Z` or an offset; read as wall ms. */
export const timeText = z.preprocess(
  (given) => (typeof given === 'string' ? given.replace(SPACE_BEFORE_OFFSET, '+') : given),
  z.iso
    .datetime({ offset: true, error: 'must be a time like 2026-11-28T12:00:00Z or …T14:00:00+02:00' })
    .transform((text) => Date.parse(text)),
);

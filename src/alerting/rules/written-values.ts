import { z } from 'zod';
import { copyLabels, labelsSchema, MAX_DURATION_MS, parseDuration, type Labels } from '#telemetry';

/** A key without a value, or with null, means the same as no key, as it does for Go's YAML: both read as `absent`. */
export function optional<Schema extends z.ZodType>(schema: Schema, absent: z.input<Schema>) {
  return z.preprocess((value) => value ?? absent, schema).prefault(absent);
}

/** A Prometheus duration, read as milliseconds. */
export const duration = z.string().transform((text, context) => {
  const durationMs = parseDuration(text);
  if (durationMs !== null && durationMs < MAX_DURATION_MS) return durationMs;
  const problem =
    text === ''
      ? 'empty duration string'
      : durationMs === null
        ? `not a valid duration string: ${JSON.stringify(text)}`
        : 'duration out of range';
  context.addIssue({ code: 'custom', message: problem });
  return z.NEVER;
});

const MAX_INTEGER = 2 ** 63;
/** Fractions are cut off, as Go's YAML does. */
export const wholeNumber = z
  .number('expected a whole number')
  .gt(-MAX_INTEGER)
  .lt(MAX_INTEGER, 'expected a whole number')
  .transform(Math.trunc);

/** Texts by name. Null for the empty text, as in Go. */
export const texts = z
  .preprocess((value) => (isMapping(value) ? mapValues(value, (text) => text ?? '') : value), labelsSchema)
  .transform((values): Labels => copyLabels(values));

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `Object.fromEntries` keeps a key `__proto__`. */
function mapValues(values: Readonly<Record<string, unknown>>, map: (value: unknown) => unknown): unknown {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value)]));
}

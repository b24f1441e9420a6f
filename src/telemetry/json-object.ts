import { z } from 'zod';

/**
 * A JSON object with keys that others chose: attributes of spans, fields of log lines. A `z.record` would drop the key
 * `__proto__`.
 */
export const jsonObjectSchema = z
  .custom<Record<string, unknown>>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'expected an object',
  )
  .meta({ type: 'object', additionalProperties: {} });

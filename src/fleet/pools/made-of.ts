import { createHash } from 'node:crypto';
import { generationKeysOf, type PoolDefinition } from '#telemetry';

/**
 * What a generation is made of, as a text to compare: SHA-256 of the pool's keys that hold for a generation from its
 * start on. Keys that have their default are left out, so that a key that a later Omoi adds changes nothing.
 */
export function madeOf(pool: PoolDefinition): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(generationKeysOf(pool))))
    .digest('hex');
}

/** Objects with their keys in order: the same definition written otherwise is the same. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, inner]) => [name, sorted(inner)]);
}

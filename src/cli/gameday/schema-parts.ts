import { recordOf } from '#telemetry';
import { z } from 'zod';

export const scalar = z.union([z.string(), z.number(), z.boolean()]);

export const poolId = z.string().describe('A pool, by its id.');

export function labels(meaning: string) {
  return recordOf(z.string(), scalar).prefault({}).describe(meaning);
}

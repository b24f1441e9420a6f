import { idText, LOCK_MODES, storedText } from '#telemetry';
import { z } from 'zod';
import { generation, name } from '../agents/agent-schemas.ts';
import { FLEET_BOUNDS as BOUNDS } from '../tasks/fleet-bounds.ts';
import { wholeNumber } from '../http/whole-number.ts';

export const lockParams = z.object({ lock_id: storedText(100).min(1) });

export const acquireBody = z.strictObject({
  agent_id: name,
  generation,
  resource_type: name,
  resource_name: storedText(500).min(1),
  lock_mode: z.enum(LOCK_MODES).default('exclusive'),
  ttl_ms: z.number().int().min(BOUNDS.minLockTtlMs).max(BOUNDS.maxLockTtlMs).optional(),
  wait_ms: z.number().int().min(0).max(BOUNDS.maxWaitMs).default(0).describe('First come, first served.'),
});

export const lockHolderBody = z.strictObject({ agent_id: name, generation });

export const lockView = z
  .object({
    lock_id: z.string(),
    resource_type: z.string(),
    resource_name: z.string(),
    lock_mode: z.enum(LOCK_MODES),
    agent_id: z.string(),
    generation: z.number(),
    fencing_token: z
      .number()
      .describe('Grows with every lock of the resource: let what the lock protects refuse smaller ones.'),
    ttl_ms: z.number(),
    acquired_at: z.string(),
    expires_at: z.string(),
    traceparent: z.string().nullable(),
  })
  .meta({ id: 'Lock' });

export const renewedAnswer = z.object({ ttl_ms: z.number(), expires_at: z.string() });

export const locksQuery = z.strictObject({
  resource_type: name.optional(),
  agent_id: name.optional(),
  after: idText('lock', 'a lock').optional().describe('The last lock_id of the page before.'),
  limit: wholeNumber({ min: 1, max: BOUNDS.maxPageRows }).default(100),
});
export const locksAnswer = z.object({ locks: z.array(lockView) });

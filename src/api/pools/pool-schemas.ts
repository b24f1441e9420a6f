import {
  DESIRED_UNIT_STATES,
  maxAgentsPerPool,
  POOL_STATES,
  poolIdText as poolId,
  shownPoolKeys,
  storedText,
  UNIT_STATES,
} from '#telemetry';
import { z } from 'zod';
import { generation, name } from '../agents/agent-schemas.ts';
import { FLEET_BOUNDS } from '../tasks/fleet-bounds.ts';
import { wholeNumber } from '../http/whole-number.ts';

const count = z.number().int().min(0).max(maxAgentsPerPool);
const reason = storedText(500).min(1);

export const poolParams = z.object({ pool_id: poolId });
export const scaleOverrideParams = z.object({ pool_id: poolId, override_id: name });
export const agentParams = z.object({ agent_id: name });

export const scaleBody = z.strictObject({ desired: count, reason: reason.default('scaled by hand') });

export const scaleOverrideBody = z.strictObject({
  add: z.number().int().min(1).max(maxAgentsPerPool).describe('How many agents more.'),
  ttl_ms: z.number().int().min(1000).max(86_400_000).describe('The override ends by itself after this long.'),
  reason: reason.default('scaled for a while by hand'),
});

export const scaleOverrideAnswer = z.object({ effective: z.number(), expires_at: z.string() });

export const restartBody = z.strictObject({
  expected_generation: generation
    .optional()
    .describe('The generation to replace; where another one runs already, nothing is done.'),
  reason: reason.default('restarted by hand'),
});

export const restartAnswer = z.object({
  agent_id: z.string(),
  generation: z.number().describe('The generation that shall run now.'),
  opened: z.boolean().describe('False where an earlier order had done it already.'),
});

export const stopBody = z.strictObject({ reason: reason.default('stopped by hand') });
export const nothing = z.object({});

export const poolView = z
  .object({
    pool_id: z.string(),
    state: z.enum(POOL_STATES),
    ...shownPoolKeys,
    env_names: z.array(z.string()).describe('The values may be secrets and are not shown.'),
    effective: z.number().describe('desired and the scale overrides, within min and max.'),
    spawn_failures: z.number().describe('In a row.'),
    last_error: z.string().nullable(),
    not_enforced: z
      .array(z.string())
      .describe('What of its confinement this machine can’t give, and why; the pool runs without.'),
    not_started: z
      .array(z.object({ agent_id: z.string(), reason: z.string() }))
      .describe('Replicas that stay empty because of the agents that have their ids, and until when.'),
    next_attempt_at: z.string().nullable(),
    roll: z
      .object({
        stopped: z
          .boolean()
          .describe('The new generation did not prove itself: it goes on when the definition changes.'),
        reason: z.string(),
        since: z.string(),
        remaining: z.number().describe('Replicas of an older definition.'),
      })
      .nullable()
      .describe('While its replicas are brought to a changed definition.'),
    scale_overrides: z.array(
      z.object({
        override_id: z.string(),
        add: z.number(),
        holder: z.string(),
        reason: z.string(),
        expires_at: z.string(),
      }),
    ),
    replicas: z.array(
      z.object({
        replica: z.number(),
        agent_id: z.string(),
        generation: z.number(),
        unit: z.enum(UNIT_STATES),
        desired_state: z
          .enum(DESIRED_UNIT_STATES)
          .describe('`stopped` stays so until a restart; `retired` is filled again when the pool grows.'),
        pid: z.number().nullable(),
        host: z.string().nullable().describe('The machine on which it runs.'),
        started_at: z.string().nullable(),
        kill_at: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'Pool' });

export const poolsQuery = z.strictObject({
  after: poolId.optional().describe('The last pool_id of the page before.'),
  limit: wholeNumber({ min: 1, max: FLEET_BOUNDS.maxPageRows }).default(100),
});

export const poolsAnswer = z.object({ pools: z.array(poolView) });

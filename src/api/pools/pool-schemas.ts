import { AGENT_TYPES } from '#telemetry';
import { z } from 'zod';
import { name, phaseId } from '../agents/agent-schemas.ts';

const count = z.number().int().min(0).max(1000);
const graceMs = z.number().int().min(0).max(3_600_000);
const orphanTimeoutMs = z.number().int().min(0).max(2_592_000_000);
const paceMs = z.number().int().min(100).max(3_600_000);
const reason = z.string().min(1).max(500);
const argument = z.string().max(4096);

const poolId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'small letters, digits, `-` and `_`, at most 63')
  .describe('Its agents are called `ID-1`, `ID-2` …');

export const poolParams = z.object({ pool_id: poolId });
export const claimParams = z.object({ pool_id: poolId, claim_id: name });
export const agentParams = z.object({ agent_id: name });

const definition = {
  agent_type: z.enum(AGENT_TYPES),
  phase_id: phaseId.nullable(),
  runtime: z.string().min(1).max(63),
  command: z.array(argument).min(1).max(256).describe('Program and arguments; no shell is involved.'),
  cwd: argument.nullable(),
  env: z.record(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is no name of a variable'),
    z.string().max(32_768),
  ),
  desired: count,
  min: count,
  max: count,
  grace_ms: graceMs.describe('From SIGTERM to SIGKILL.'),
  orphan_timeout_ms: orphanTimeoutMs,
  on_orphan: z
    .enum(['continue', 'leave'])
    .describe('What a worker does whose server stays away for longer than `orphan_timeout_ms`.'),
  heartbeat_interval_ms: paceMs.nullable(),
  heartbeat_ttl_ms: paceMs.nullable(),
} as const;

export const newPool = z.object({
  ...definition,
  pool_id: poolId,
  agent_type: definition.agent_type.default('worker'),
  phase_id: definition.phase_id.default(null),
  runtime: definition.runtime.default('process'),
  cwd: definition.cwd.default(null),
  env: definition.env.default({}),
  min: definition.min.default(0),
  grace_ms: definition.grace_ms.default(10_000),
  orphan_timeout_ms: definition.orphan_timeout_ms.default(600_000),
  on_orphan: definition.on_orphan.default('continue'),
  heartbeat_interval_ms: definition.heartbeat_interval_ms.default(null),
  heartbeat_ttl_ms: definition.heartbeat_ttl_ms.default(null),
});

export const poolChange = z
  .object(definition)
  .partial()
  .refine((change) => Object.keys(change).length > 0, 'names nothing to change');

export const scaleBody = z.object({ desired: count, reason: reason.default('scaled by hand') });

export const claimBody = z.object({
  add: z.number().int().min(1).max(1000).describe('How many agents more.'),
  ttl_ms: z.number().int().min(1000).max(86_400_000).describe('The claim ends by itself after this long.'),
  reason: reason.default('claimed by hand'),
});

export const claimAnswer = z.object({ effective: z.number(), expires_at: z.string() });

export const restartBody = z.object({
  expected_generation: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe('The generation to replace; where another one runs already, nothing is done.'),
  reason: reason.default('restarted by hand'),
});

export const restartAnswer = z.object({
  agent_id: z.string(),
  generation: z.number().describe('The generation that shall run now.'),
  opened: z.boolean().describe('False where an earlier order had done it already.'),
});

export const stopBody = z.object({ reason: reason.default('stopped by hand') });
export const nothing = z.object({});

export const poolView = z
  .object({
    pool_id: z.string(),
    state: z.enum(['active', 'removing']),
    agent_type: definition.agent_type,
    phase_id: z.string().nullable(),
    runtime: z.string(),
    command: z.array(z.string()),
    cwd: z.string().nullable(),
    env_names: z.array(z.string()).describe('The values may be secrets and are not shown.'),
    desired: z.number(),
    min: z.number(),
    max: z.number(),
    effective: z.number().describe('desired and what is claimed, within min and max.'),
    grace_ms: z.number(),
    orphan_timeout_ms: z.number(),
    on_orphan: z.enum(['continue', 'leave']),
    heartbeat_interval_ms: z.number().nullable(),
    heartbeat_ttl_ms: z.number().nullable(),
    spawn_failures: z.number().describe('In a row.'),
    last_error: z.string().nullable(),
    next_attempt_at: z.string().nullable(),
    claims: z.array(
      z.object({
        claim_id: z.string(),
        add: z.number(),
        holder: z.string(),
        reason: z.string(),
        expires_at: z.string(),
      }),
    ),
    slots: z.array(
      z.object({
        slot: z.number(),
        agent_id: z.string(),
        generation: z.number(),
        process: z.enum(['intended', 'running', 'ended']),
        wish: z
          .enum(['run', 'stopped', 'retired', 'replaced'])
          .describe('`stopped` stays so until a restart; `retired` is filled again when the pool grows.'),
        pid: z.number().nullable(),
        started_at: z.string().nullable(),
        kill_at: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'Pool' });

export const poolsAnswer = z.object({ pools: z.array(poolView) });

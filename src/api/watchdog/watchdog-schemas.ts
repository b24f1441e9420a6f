import {
  ACTION_RESULTS,
  GUARDS,
  idText,
  jsonObjectSchema,
  POLICY_MODES,
  REMEDIATION_CONCERNS,
  REMEDIATION_OUTCOMES,
  REMEDIATION_STATES,
  TARGET_KINDS,
  WATCHDOG_STATES,
  storedText,
} from '#telemetry';
import { z } from 'zod';
import { wholeNumber } from '../http/whole-number.ts';

const time = z.string().meta({ format: 'date-time' });

export const remediationSchema = z.object({
  id: z.string(),
  policy: z.string(),
  alert_id: z.string(),
  rule_id: z.string(),
  target: z.object({ kind: z.enum(TARGET_KINDS), id: z.string() }),
  state: z.enum(REMEDIATION_STATES),
  step: z.number().int().meta({ description: 'counts from 1' }),
  outcome: z.enum(REMEDIATION_OUTCOMES).nullable(),
  reason: z.string().nullable(),
  attempts: z
    .number()
    .int()
    .meta({ description: 'of the lineage (policy and target), those of this remediation included' }),
  max_attempts: z.number().int().meta({ description: 'of the lineage, until the guardian has it' }),
  guardian: z.string(),
  evidence: z.string().nullable().meta({ description: 'what was known when its last step began' }),
  last_output: z.string().nullable().meta({ description: 'the end of the output of what did not come up' }),
  planned_at: time,
  step_started_at: time.nullable(),
  verify_until: time.nullable(),
  verifies: z.string().nullable().meta({ description: 'what its present or last step has to bring about' }),
  ended_at: time.nullable(),
  approved_by: z.string().nullable(),
  trace_id: z.string().nullable(),
  actions: z.array(
    z.object({
      step: z.number().int(),
      action: z.string(),
      expected_generation: z
        .number()
        .int()
        .nullable()
        .meta({ description: 'the generation that a restart replaces; null for a pool' }),
      intended_at: time,
      attempts: z.number().int(),
      next_attempt_at: time.nullable(),
      finished_at: time.nullable(),
      result: z.enum(ACTION_RESULTS).nullable(),
      detail: z.string().nullable(),
      passed_guards: z
        .array(z.object({ guard: z.enum(GUARDS), saw: z.string() }))
        .meta({ description: 'what each guard saw that let the step begin; empty where that was not kept' }),
    }),
  ),
  suppressions: z.array(
    z.object({
      guard: z.enum(GUARDS),
      reason: z.string(),
      first_at: time,
      last_at: time,
      count: z.number().int().meta({ description: 'how often it began to hold' }),
      until: time.nullable(),
      holds: z.boolean().meta({ description: 'whether it holds the remediation back now' }),
      lifts: z.string().meta({ description: 'what ends its hold' }),
      person: z.string().nullable().meta({ description: 'what a person can do about it' }),
    }),
  ),
});

export const remediationListSchema = z.object({ remediations: z.array(remediationSchema) });

const filter = storedText(500);

export const remediationQuerySchema = z.strictObject({
  state: z.enum(REMEDIATION_STATES).optional(),
  policy: filter.optional(),
  alert_id: filter.optional(),
  target_id: filter.optional(),
  concern: z.enum(REMEDIATION_CONCERNS).optional().meta({
    description:
      'given_up: those that the guardian has while their alert still fires; relapsing: the last repair of a lineage that did not last, while the next one has not ended',
  }),
  before: idText('rem', 'a remediation')
    .optional()
    .meta({ description: 'the id of the last one of the page before' }),
  limit: wholeNumber({ min: 1, max: 500 }).default(100),
});

export const policyQuerySchema = z.strictObject({
  after: filter.optional().meta({ description: 'the name of the last one of the page before' }),
  limit: wholeNumber({ min: 1, max: 500 }).default(100),
});

export const policySchema = z.object({
  name: z.string(),
  description: z.string(),
  mode: z.enum(POLICY_MODES),
  act_on: z
    .string()
    .nullable()
    .meta({ description: 'in mode act: `10%` of the targets, or so many; null: all' }),
  match: z.array(z.string()),
  target: jsonObjectSchema,
  steps: z.array(z.object({ action: z.string(), verify_within_ms: z.number() }).loose()),
  guards: z.object({
    cooldown_ms: z.number(),
    max_parallel: z.number(),
    max_starts: z.number(),
    window_ms: z.number(),
    repair_burst: z.number(),
    repair_every_ms: z.number(),
    spare_healthy: z.boolean(),
  }),
  max_attempts: z.number().int(),
  relapse_window_ms: z.number(),
  guardian: z.string(),
});

export const policyListSchema = z.object({ policies: z.array(policySchema) });

/** There may be one on each of many hosts. */
export const MAX_SHOWN_STORMS = 25;

export const watchdogStateSchema = z.object({
  states: z.array(
    z.object({ state: z.enum(WATCHDOG_STATES), reason: z.string(), by: z.string(), since: time }),
  ),
  storms: z
    .array(z.object({ domain: z.string(), reason: z.string(), since: time }))
    .max(MAX_SHOWN_STORMS)
    .describe(
      'The failure domains in which a storm holds repairs of silent agents back, the first one first: `pool:demo`, `external:laptops`, `host:web-1`, `provider:acme`, `the fleet`.',
    ),
  more_storms: z.number().int().describe('How many there are beside those.'),
  maintenances: z
    .number()
    .int()
    .describe('How many pools and hosts are under maintenance: nothing is done about these.'),
  policies: z
    .object({ act: z.number().int(), approve: z.number().int(), observe: z.number().int() })
    .describe('How many there are by mode; where none is in `act`, nothing is repaired without a person.'),
});

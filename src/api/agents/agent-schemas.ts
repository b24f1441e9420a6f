import {
  AGENT_STATUSES,
  AGENT_TYPES,
  EXIT_EXPECTATIONS,
  labelsSchema,
  nameText,
  recordOfAtMost,
  remarkText,
  storedText,
} from '#telemetry';
import { z } from 'zod';
import { FLEET_BOUNDS as BOUNDS } from '../tasks/fleet-bounds.ts';
import { wholeNumber } from '../http/whole-number.ts';

/** As telemetry has it: an id is one thing on the command line, in requests and in file names. */
export const name = nameText;
/** The largest number that a column of every database holds. */
export const maxInteger = 2_147_483_647;
export const generation = z.number().int().min(1).max(maxInteger);
/** Any name. Those of the task contract are `PHASE_BACKLOG`, `PHASE_IMPLEMENTATION` and so on. */
export const phaseId = nameText;
const label = storedText(256);
const maxLabels = 32;
/** Shorter would make a beat cost more than it tells. */
const paceMs = z.number().int().min(100).max(3_600_000);
/** The interval that goes with it is the shortest. */
const MIN_TTL_MS = 350;

const maxLastOutputCharacters = 4096;

export const agentParams = z.object({ agent_id: name });

export const registerBody = z
  .strictObject({
    agent_id: name,
    agent_type: z.enum(AGENT_TYPES),
    pool_id: name.nullish(),
    phase_id: phaseId.nullish(),
    generation: generation
      .nullish()
      .describe('Given by Omoi to a process that it started; without it Omoi decides.'),
    nonce: storedText(200)
      .min(8)
      .describe('Chance made by each process for itself: a reconnect repeats it, a new start has a new one.'),
    new_generation: z
      .boolean()
      .default(false)
      .describe('Takes an external agent over although its present generation may still run.'),
    labels: recordOfAtMost(maxLabels, label, label).default({}),
    capabilities: z
      .array(label)
      .max(64)
      .default([])
      .describe(
        'The types of tasks that it can do: claims that name no `task_types` take these alone. Of a repeated registration they count where it names any.',
      ),
    heartbeat_interval_ms: paceMs.nullish(),
    heartbeat_ttl_ms: paceMs
      .min(MIN_TTL_MS)
      .nullish()
      .describe('At least three intervals. Of interval and TTL, one that is left out follows the other one.'),
  })
  .refine(
    ({ heartbeat_interval_ms: interval, heartbeat_ttl_ms: ttl }) => !interval || !ttl || ttl >= 3 * interval,
    { path: ['heartbeat_ttl_ms'], message: 'must be at least three times heartbeat_interval_ms' },
  );

export const registerAnswer = z.object({
  agent_id: z.string(),
  generation: z.number(),
  status: z.enum(AGENT_STATUSES),
  fresh: z.boolean().describe('False where the same process had registered before.'),
  heartbeat_interval_ms: z.number(),
  heartbeat_ttl_ms: z.number(),
  default_lease_ms: z.number(),
  max_wait_ms: z.number(),
  server_time: z.string(),
});

export const deregisterBody = z.strictObject({
  generation,
  reason: remarkText(500).default('deregistered'),
  exit_code: z
    .number()
    .int()
    .min(-maxInteger)
    .max(maxInteger)
    .nullish()
    .describe('How an external process ended, for who watched it.'),
  signal: storedText(20).nullish(),
  asked: z
    .boolean()
    .default(false)
    .describe('Whether somebody had asked the process to end, as who watched it saw: then it is no failure.'),
  last_output: remarkText(maxLastOutputCharacters)
    .nullish()
    .describe('The end of what an external process put out, kept with its generation.'),
  expect: z
    .enum(EXIT_EXPECTATIONS)
    .default('once')
    .describe(
      'Whether exit code 0 is how the process was meant to end (`once`) or a failure too (`forever`).',
    ),
});

export const orderBody = z.strictObject({ reason: storedText(500).min(1) });

/** Earlier versions asked without a body. */
export const drainBody = orderBody.partial().nullish();

export const agentView = z
  .object({
    agent_id: z.string(),
    agent_type: z.enum(AGENT_TYPES),
    pool_id: z.string().nullable(),
    phase_id: z.string().nullable(),
    managed: z.boolean(),
    status: z.enum(AGENT_STATUSES),
    status_reason: z.string(),
    status_since: z.string(),
    generation: z.number(),
    labels: labelsSchema,
    capabilities: z.array(z.string()),
    heartbeat_interval_ms: z.number(),
    heartbeat_ttl_ms: z.number(),
    last_heartbeat_at: z.string().nullable(),
    heartbeat_age_ms: z.number().nullable().describe('By the server’s monotonic clock.'),
    heartbeats_missed: z.number(),
    tasks_held: z.number(),
    working_on: z
      .string()
      .nullable()
      .describe('The type of the task that it has held longest; null where it holds none.'),
    in_flight: z.number(),
    work_seen_at: z.string().nullable(),
    desired: z.enum(['run', 'drain']),
    registered_at: z.string(),
  })
  .meta({ id: 'Agent' });

export const generationView = z.object({
  generation: z.number(),
  state: z.enum(['opened', 'registered', 'ended']),
  reason: z.string(),
  requested_by: z.string(),
  opened_at: z.string(),
  registered_at: z.string().nullable(),
  ended_at: z.string().nullable(),
  exit_code: z.number().nullable(),
  exit_signal: z.string().nullable(),
  last_output: z
    .string()
    .nullable()
    .describe('What it put out last, of the newest five that have ended; null where nothing is known of it.'),
  traceparent: z.string().nullable(),
});

export const agentDetails = agentView.extend({
  generations: z.array(generationView).describe('The newest twenty, newest first.'),
});

export const agentsQuery = z.strictObject({
  pool_id: name.optional(),
  status: z.enum(AGENT_STATUSES).optional(),
  present: z.literal('true').optional().describe('Without those that are TERMINATED.'),
  after: name.optional().describe('The last agent_id of the page before.'),
  limit: wholeNumber({ min: 1, max: BOUNDS.maxPageRows }).default(100),
});

export const agentsAnswer = z.object({ agents: z.array(agentView) });
export const nothing = z.object({});

import { idText, remarkText, storedText, TASK_STATES } from '#telemetry';
import { z } from 'zod';
import { generation, maxInteger, name, phaseId } from '../agents/agent-schemas.ts';
import { FLEET_BOUNDS as BOUNDS } from './fleet-bounds.ts';
import { wholeNumber } from '../http/whole-number.ts';

const leaseMs = z.number().int().min(BOUNDS.minLeaseMs).max(BOUNDS.maxLeaseMs);
/** Each priority is a label of the queue's metric, so they are few. */
const priority = z.number().int().min(0).max(100);

export const taskParams = z.object({ task_id: storedText(100).min(1) });

export const newTask = z.strictObject({
  task_type: name,
  phase_id: phaseId,
  priority: priority.default(0).describe('Higher comes first.'),
  payload: z
    .unknown()
    .optional()
    .describe(
      'Any JSON; handed to the agent that claims the task. Numbers are doubles: send larger ones as texts.',
    ),
  max_attempts: z.number().int().min(1).max(BOUNDS.maxMaxAttempts).optional(),
  time_limit_ms: z
    .number()
    .int()
    .min(BOUNDS.minTimeLimitMs)
    .max(BOUNDS.maxTimeLimitMs)
    .nullish()
    .describe(
      'A claim that runs longer is lost and counts as an attempt. Without it `time_limits_ms` of the pool counts whose agent claims it.',
    ),
  idempotency_key: storedText(200)
    .min(1)
    .nullish()
    .describe('A second task with the same key is not made; the first is answered.'),
  pool_id: name.nullish().describe('Only agents of this pool may claim it.'),
});

export const newTasks = z.strictObject({ tasks: z.array(newTask).min(1).max(BOUNDS.maxEnqueuedAtOnce) });

export const taskView = z
  .object({
    task_id: z.string(),
    task_type: z.string(),
    phase_id: z.string(),
    priority: z.number(),
    payload: z.unknown(),
    state: z.enum(TASK_STATES),
    pool_id: z.string().nullable(),
    idempotency_key: z.string().nullable(),
    attempt: z.number().describe('How often it was claimed: the number of the present or last claim.'),
    max_attempts: z.number(),
    failures: z.number(),
    leases_lost: z.number().describe('How often a holder lost it, for whatever reason.'),
    counted_losses: z
      .number()
      .describe('Losses that count as attempts: the holder ended or hung by itself while it held the task.'),
    handoffs: z
      .number()
      .describe('How often it was handed on since it was enqueued or queued again by a person.'),
    alone: z.boolean().describe('Whether a claim gives it to an agent that holds nothing else meanwhile.'),
    time_limit_ms: z
      .number()
      .nullable()
      .describe(
        'A claim that runs longer is lost: its own limit; while it is claimed, what holds for its claim.',
      ),
    available_at: z.string(),
    kept_for_agent_id: z.string().nullable(),
    agent_id: z.string().nullable(),
    generation: z.number().nullable(),
    lease_ms: z.number().nullable(),
    lease_expires_at: z.string().nullable(),
    enqueued_at: z.string(),
    claimed_at: z.string().nullable(),
    finished_at: z.string().nullable(),
    parked_at: z.string().nullable().describe('Since when it waits for a person.'),
    progress: z
      .unknown()
      .describe('What a holder said last of how far it is; null where none did. It outlives the claim.'),
    result: z.unknown(),
    error: z.string().nullable(),
    last_output: z
      .string()
      .nullable()
      .describe(
        'The end of what its last holder put out when it was parked; null where Omoi has not got it.',
      ),
    traceparent: z.string().nullable(),
    warnings: z
      .array(z.string())
      .describe('What a person should know: that it waits and no living agent claims such tasks.'),
    content_hidden: z
      .literal(true)
      .optional()
      .describe(
        'Its content is not the caller’s: payload, progress, result, error, output, key and trace are null here.',
      ),
  })
  .meta({ id: 'Task' });

const enqueueWarnings = z
  .array(z.string())
  .describe(
    'Which of the tasks no living agent claims: nothing is wrong where a worker comes later. Empty for 30 s after a start of Omoi.',
  );

export const enqueuedAnswer = z.object({
  task: taskView,
  created: z.boolean().describe('False where the idempotency key had been used before.'),
  warnings: enqueueWarnings,
});
export const enqueuedBatchAnswer = z.object({
  tasks: z.array(z.object({ task_id: z.string(), created: z.boolean() })),
  warnings: enqueueWarnings,
});

export const claimBody = z.strictObject({
  agent_id: name,
  generation,
  task_types: z
    .array(name)
    .min(1)
    .max(BOUNDS.maxTaskTypesPerClaim)
    .optional()
    .describe(
      'Without it those that the agent has registered as its `capabilities`; any, where it has none.',
    ),
  phase_ids: z.array(phaseId).min(1).max(BOUNDS.maxPhasesPerClaim).optional(),
  own_pool_only: z.boolean().default(false).describe('Leaves the tasks that are for every pool.'),
  max_tasks: z.number().int().min(1).max(BOUNDS.maxClaimedAtOnce).default(1),
  wait_ms: z
    .number()
    .int()
    .min(0)
    .max(BOUNDS.maxWaitMs)
    .default(0)
    .describe('How long to wait where nothing is to be done.'),
  lease_ms: leaseMs.optional(),
});

/** Part of the answers to agents' requests about their tasks. */
export const seenAnswer = z.object({
  desired: z
    .enum(['run', 'drain'])
    .optional()
    .describe('As in the answer to a heartbeat: the request counts as one that says nothing new.'),
});

export const claimAnswer = z.object({
  ...seenAnswer.shape,
  tasks: z.array(
    taskView.pick({
      task_id: true,
      task_type: true,
      phase_id: true,
      priority: true,
      payload: true,
      progress: true,
      attempt: true,
      max_attempts: true,
      lease_ms: true,
      lease_expires_at: true,
      alone: true,
      time_limit_ms: true,
      traceparent: true,
    }),
  ),
});

const holder = {
  agent_id: name,
  generation,
  attempt: z
    .number()
    .int()
    .min(1)
    .max(maxInteger)
    .nullish()
    .describe('Tells one claim of the task from another.'),
};

export const renewBody = z.strictObject({
  ...holder,
  progress: z
    .unknown()
    .optional()
    .describe(
      'How far the holder is, any JSON: kept with the task before this is answered, and given to whoever claims it next.',
    ),
});
export const renewAnswer = z.object({
  ...seenAnswer.shape,
  lease_ms: z.number(),
  lease_expires_at: z.string(),
});
export const heldTaskAnswer = taskView.extend(seenAnswer.shape);
export const completeBody = z.strictObject({ ...holder, result: z.unknown().optional() });
export const completionsBody = z.strictObject({
  agent_id: holder.agent_id,
  generation: holder.generation,
  completions: z
    .array(z.strictObject({ ...taskParams.shape, attempt: holder.attempt, result: z.unknown().optional() }))
    .min(1)
    .max(BOUNDS.maxCompletedAtOnce),
});
export const completionsAnswer = z.object({
  ...seenAnswer.shape,
  completions: z
    .array(
      z.union([
        z.object({ task_id: z.string(), state: z.literal('completed') }),
        z.object({
          task_id: z.string(),
          error: z.string().describe('The code that this completion alone would be answered with.'),
          status: z.number().describe('The HTTP status of that answer.'),
          message: z.string(),
        }),
      ]),
    )
    .describe('One for each completion, in their order.'),
});
export const failBody = z.strictObject({
  ...holder,
  error: remarkText(BOUNDS.maxErrorCharacters),
  retry: z.boolean().default(true).describe('False fails the task for good.'),
});
export const handoffBody = z.strictObject({
  ...holder,
  to_agent_id: name,
  reason: remarkText(500).nullish(),
});

export const tasksQuery = z.strictObject({
  state: z.enum(TASK_STATES).optional(),
  phase_id: phaseId.optional(),
  agent_id: name.optional(),
  after: idText('task', 'a task').optional().describe('The last task_id of the page before.'),
  limit: wholeNumber({ min: 1, max: BOUNDS.maxPageRows }).default(100),
});
export const tasksAnswer = z.object({ tasks: z.array(taskView) });

export const finishedTasksQuery = z.strictObject({
  state: z.enum(['completed', 'failed', 'cancelled']).optional(),
  phase_id: phaseId.optional(),
  agent_id: name.optional().describe('Who had it last.'),
  cursor: z.string().max(200).optional().describe('`next_cursor` of the page before.'),
  limit: wholeNumber({ min: 1, max: BOUNDS.maxPageRows }).default(100),
});
export const finishedTasksAnswer = z.object({ tasks: z.array(taskView), next_cursor: z.string().nullable() });

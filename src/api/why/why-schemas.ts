import { POLICY_MODES, WATCHDOG_STATES } from '#telemetry';
import { z } from 'zod';
import { agentView, generationView } from '../agents/agent-schemas.ts';
import { alertView } from '../alerts/alert-schemas.ts';
import { taskView } from '../tasks/task-schemas.ts';
import { remediationSchema } from '../watchdog/watchdog-schemas.ts';

/** How it stands with an agent, in one word. */
const VERDICTS = ['well', 'alerting', 'starting', 'ill', 'out_of_service', 'ended'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** What a piece of evidence was seen of. */
const EVIDENCE_KINDS = [
  'status',
  'heartbeat',
  'process',
  'activity',
  'work',
  'lease',
  'exit',
  'domain',
] as const;

const time = z.string().meta({ format: 'date-time' });

export const evidence = z.object({ kind: z.enum(EVIDENCE_KINDS), text: z.string() });
export type Evidence = z.output<typeof evidence>;

export const whyAnswer = z.object({
  at: time.describe('When the server looked: ages count from here.'),
  verdict: z.enum(VERDICTS),
  summary: z.string(),
  agent: agentView,
  generations: z.array(generationView).describe('The newest twenty, newest first.'),
  held_tasks: z
    .array(taskView.pick({ task_id: true, task_type: true, claimed_at: true, time_limit_ms: true }))
    .describe('Those that it holds, at most ten; `tasks_held` of the agent says how many there are.'),
  evidence: z.array(evidence).describe('What its status rests on.'),
  alerts: z
    .array(
      alertView.extend({
        policies: z
          .array(z.object({ policy: z.string(), mode: z.enum(POLICY_MODES) }))
          .describe('The policies that are for it.'),
      }),
    )
    .describe('Those that fire about it, the newest twenty.'),
  remediations: z.array(remediationSchema).describe('What was done about it, the newest ten.'),
  no_repair: z
    .string()
    .nullable()
    .describe(
      'Why nothing is done about what fires: the guard that holds each policy back, and how that lifts; null where nothing fires or something is done.',
    ),
  watchdog: z
    .array(
      z.object({
        state: z.enum([...WATCHDOG_STATES, 'maintenance']),
        reason: z.string(),
        until: time.nullable(),
      }),
    )
    .describe('What holds repairs of it, or in its failure domain, back now.'),
  parked_tasks: z
    .array(
      z.object({
        task_id: z.string(),
        task_type: z.string(),
        parked_at: time.nullable(),
        error: z.string().nullable(),
        last_output: z.string().nullable(),
      }),
    )
    .describe('Those that it held last, at most ten.'),
  advice: z.array(z.string()).describe('What a person can do; empty where nothing is to be done.'),
});
export type WhyAnswer = z.output<typeof whyAnswer>;

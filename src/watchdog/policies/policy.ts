import { durationText, messageOf, POLICY_MODES, type Matcher } from '#telemetry';
import { z } from 'zod';
import { actionOf, policyStepSchema } from '../actions/actions.ts';
import { actOnText } from './act-on.ts';

/** Reads `name="value"`; throws where the text is no matcher. */
export type MatcherParser = (text: string) => Matcher;

function matcherSchema(parseMatcher: MatcherParser) {
  return z.string().transform((text, context): Matcher => {
    try {
      return parseMatcher(text);
    } catch (thrown) {
      const message = `"${text}" is no matcher like alertname="HighQueueDepth": ${messageOf(thrown)}`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    }
  });
}

const agentTarget = z.strictObject({ kind: z.literal('agent'), label: z.string().default('agent_id') });

const poolTarget = z.strictObject({
  kind: z.literal('pool'),
  /** A pool by name … */
  pool: z.string().optional(),
  /** … or the pool a label of the alert names … */
  label: z.string().optional(),
  /** … or the one pool that works in the phase a label of the alert names. */
  phase_label: z.string().optional(),
});

/** Of policies that say nothing else, and of remediations planned before there were any. */
export const DEFAULT_MAX_ATTEMPTS = 3;

/** A policy's file, whose matchers are the query language's. */
export function createPolicySchema(parseMatcher: MatcherParser) {
  return z
    .strictObject({
      name: z.string().regex(/^[a-z][a-z0-9_]*$/, 'use lower-case words joined by _'),
      description: z.string().default(''),
      /** All must accept the alert's labels. None at all would mean every alert, and is refused. */
      match: z.array(matcherSchema(parseMatcher)).min(1),
      /** observe: only say what would be done. approve: ask a person. act: do it. */
      mode: z.enum(POLICY_MODES).default('observe'),
      /** In mode act: only on this share of the targets, or so many; the others are only observed. */
      act_on: actOnText.optional(),
      target: z.discriminatedUnion('kind', [agentTarget, poolTarget]),
      /** Tried one after the other until one has worked. */
      steps: z.array(policyStepSchema).min(1),
      guards: z
        .strictObject({
          /** How long after the end of a remediation the same policy leaves the same target alone. */
          cooldown: durationText.prefault('5m'),
          /** How many remediations of this policy may run at once, of those that are not certainly ill. */
          max_parallel: z.number().int().positive().default(1),
          /** How many of those may start within `window`. */
          max_starts: z.number().int().positive().default(10),
          window: durationText.prefault('10m'),
          /** So many that are certainly ill (FAILED, STALLED) are repaired at once in a failure domain … */
          repair_burst: z.number().int().positive().default(4),
          /** … and one more each time this has passed. */
          repair_every: durationText.prefault('250ms'),
          /** Whether an agent that beats, IDLE or RUNNING, is left alone. False where alerts tell of other ills. */
          spare_healthy: z.boolean().default(true),
        })
        .prefault({}),
      /** How often a lineage (this policy on one target) is tried before the guardian takes over. */
      max_attempts: z.number().int().positive().default(DEFAULT_MAX_ATTEMPTS),
      /** An alert that returns within this time after a repair is a relapse: its attempts count on. */
      relapse_window: durationText.prefault('10m'),
      /** Who takes over when all steps have failed. */
      guardian: z.string().default('operators'),
    })
    .superRefine((policy, context) => {
      if (policy.match.every((one) => one.matches(''))) {
        context.addIssue({
          code: 'custom',
          path: ['match'],
          message: 'would match every alert; name at least one label',
        });
      }
      const { target } = policy;
      policy.steps.forEach((step, index) => {
        if (actionOf(step).target === target.kind) return;
        const message = `${step.action} does not fit a target of kind ${target.kind}`;
        context.addIssue({ code: 'custom', path: ['steps', index, 'action'], message });
      });
      if (
        target.kind === 'pool' &&
        [target.pool, target.label, target.phase_label].filter(Boolean).length !== 1
      ) {
        context.addIssue({
          code: 'custom',
          path: ['target'],
          message: 'give one of pool, label or phase_label',
        });
      }
    });
}

export type Policy = z.output<ReturnType<typeof createPolicySchema>>;

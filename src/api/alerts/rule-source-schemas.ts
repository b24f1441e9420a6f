import { labelsSchema } from '#telemetry';
import { z } from 'zod';
import { timeText } from '../http/time-text.ts';

/** Of one rule; what is longer is a mistake. */
const maxSourceLength = 65_536;

const source = z
  .string()
  .max(maxSourceLength)
  .describe('The YAML of one rule: `alert` or `record`, `expr`, …');
const ruleKey = z.string().max(2000).optional();

export const ruleSourceAnswer = z.object({
  source: z.string(),
  file: z.string(),
  line: z.number(),
  file_hash: z
    .string()
    .describe('Of the whole file: whoever saves the rule says from which state of it they went out.'),
  why_not_writable: z.string().nullable().describe('Null where it can be saved.'),
});

export const ruleCheckBody = z.strictObject({
  source,
  rule_key: ruleKey.describe('The rule in whose place it would stand.'),
});

export const ruleCheckAnswer = z.object({
  problems: z
    .array(z.object({ line: z.number(), column: z.number(), message: z.string() }))
    .describe('Lines and columns of the source, from 1; none where the rule is good.'),
});

export const rulePreviewBody = z.strictObject({
  source,
  rule_key: ruleKey.describe(
    'The rule in whose place it would stand: what that would have done is told beside it.',
  ),
  from: timeText.optional().describe('Six hours before `to` where absent; 31 days at most.'),
  to: timeText.optional().describe('Now where absent.'),
});

const previewed = z.object({
  step_ms: z
    .number()
    .describe('Between two evaluations: the interval of the group, or longer over a long time.'),
  evaluations: z.number(),
  episodes: z
    .array(
      z.object({
        labels: labelsSchema,
        annotations: labelsSchema,
        pending_at: z.string(),
        fired_at: z.string().nullable().describe('Null where the condition did not hold for long enough.'),
        ended_at: z.string().nullable().describe('Null where it goes on.'),
        value: z.number(),
      }),
    )
    .describe('The first 200.'),
  is_cut: z.boolean().describe('Whether there are more.'),
  failure: z.object({ at: z.string(), message: z.string() }).nullable(),
});

export const rulePreviewAnswer = z.object({
  from: z.string(),
  to: z.string(),
  after: previewed.describe('What the rule as it was sent would have done over the samples that are stored.'),
  before: previewed.nullable().describe('The same of the rule that is loaded; null where none was named.'),
});

export const ruleSaveBody = z.strictObject({
  source,
  file_hash: z.string().max(100).describe('As it was read.'),
});

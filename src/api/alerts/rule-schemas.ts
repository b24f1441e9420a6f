import { labelsSchema, POLICY_MODES, RESOLUTION_CAUSES, storedText } from '#telemetry';
import { z } from 'zod';
import { wholeNumber } from '../http/whole-number.ts';
import { timeText } from '../http/time-text.ts';

const texts = labelsSchema;
const nullableText = z.string().nullable();

export const rulesQuery = z.strictObject({
  limit: wholeNumber({ min: 1, max: 1000 }).default(100).describe('How many rules.'),
  cursor: z.string().max(1500).optional().describe('`next_cursor` of the page before.'),
  state: z.enum(['firing', 'pending', 'inactive']).optional().describe('Of alerting rules.'),
  health: z.enum(['unknown', 'ok', 'err']).optional(),
  kind: z.enum(['alerting', 'recording']).optional().describe('Rules of this kind alone.'),
  file: storedText(1000).optional().describe('Rules of this file alone, as the answers name it.'),
  group: storedText(500).optional().describe('Rules of groups of this name alone.'),
  text: storedText(500)
    .optional()
    .describe('Stands in the group, the name, the expression, the file or a label.'),
  sort: z
    .enum(['place', 'cost', 'delay', 'duration'])
    .default('place')
    .describe('`place`: as they stand in their files. Else the highest first, on one page.'),
});

export const ruleParams = z.object({ rule_key: storedText(2000).min(1).describe('`rule_key` of the list.') });

export const ruleView = z.object({
  rule_key: z.string().describe('What its state belongs to, over reloads and restarts.'),
  rule_id: z.string(),
  kind: z.enum(['alerting', 'recording']),
  name: z.string(),
  state: z.enum(['firing', 'pending', 'inactive']).nullable().describe('Null of a recording rule.'),
  line: z.number().describe('Where it begins in its file, as that was read.'),
  expr: z.string(),
  for_ms: z.number(),
  keep_firing_for_ms: z.number(),
  labels: texts,
  annotations: texts,
  on_arrival: z.boolean(),
  health: z.enum(['unknown', 'ok', 'err']),
  last_error: nullableText,
  last_evaluation: nullableText,
  last_duration_ms: z.number(),
  cost_ms: z.number().describe('Smoothed; a rule is evaluated at most every 20 times this.'),
  evaluations: z.number(),
  delays: z.number().describe('How often the rule was dirty and had to wait.'),
  last_delay_ms: z.number(),
  pending: z.number().describe('How many label sets.'),
  firing: z.number().describe('How many label sets.'),
});

const groupFields = {
  name: z.string(),
  file: z.string(),
  interval_ms: z.number(),
  query_offset_ms: z.number().describe('Evaluation looks at the past by this much.'),
  limit: z.number(),
};

export const rulesAnswer = z.object({
  groups: z.array(z.object({ ...groupFields, rules: z.array(ruleView) })),
  counts: z
    .object({
      all: z.number(),
      alerting: z.number(),
      recording: z.number(),
      firing: z.number(),
      pending: z.number(),
      failing: z.number(),
    })
    .describe('Of all rules that are loaded.'),
  next_cursor: nullableText,
});

const namedRule = z.object({ rule_key: z.string(), rule_id: z.string() });

export const ruleAnswer = z.object({
  rule: ruleView,
  group: z.object(groupFields),
  comparison: nullableText.describe(
    'Between the metric and the threshold, as if the metric stood on the left.',
  ),
  threshold: z.number().nullable(),
  value_query: nullableText.describe(
    'PromQL of the values that the condition is held against; null where there are none.',
  ),
  reach_ms: z.number().describe('How far back an evaluation looks.'),
  reads: z
    .array(
      z.object({
        selector: z.string().describe('PromQL of the series whose samples ask for an evaluation.'),
        series: z.number().describe('How many are there now.'),
        at_least: z.boolean().describe('Whether there are more than that: no more were counted.'),
        newest_sample: nullableText,
      }),
    )
    .describe('At most 100 selectors.'),
  senders: z
    .object({
      names: z
        .array(z.string())
        .describe('At most 100. `omoi` is the server itself; `anonymous` sends without a token.'),
      count: z.number(),
      at_least: z.boolean(),
      anonymous: z.boolean().describe('Whether somebody without a token is among them.'),
    })
    .describe(
      'On whose word its results rest: an evaluation counts as much as the least of those whose samples it reads.',
    ),
  policies: z
    .array(z.object({ name: z.string(), mode: z.enum(POLICY_MODES) }))
    .describe('Of the watchdog: those whose `match` may accept its alerts.'),
  recorded_by: z.array(namedRule).describe('Rules that record what it reads; at most 100.'),
  read_by: z.array(namedRule).describe('Rules that read what it records, or its alerts; at most 100.'),
});

export const ruleHistoryQuery = z.strictObject({
  from: timeText.optional().describe('A day ago where absent.'),
  to: timeText.optional().describe('Now where absent.'),
});

export const ruleHistoryAnswer = z.object({
  from: z.string(),
  to: z.string(),
  episodes: z
    .array(
      z.object({
        alert_id: z.string(),
        labels: texts,
        state: z.enum(['firing', 'resolved']),
        fired_at: z.string(),
        resolved_at: nullableText,
        cause: z.enum(RESOLUTION_CAUSES).nullable(),
      }),
    )
    .describe('The newest first.'),
  is_cut: z.boolean().describe('Whether older ones of the span are left out.'),
});

import {
  ACTIVE_ALERT_STATES,
  ALERT_STATES,
  labelsSchema,
  RESOLUTION_CAUSES,
  SEVERITIES,
  storedText,
} from '#telemetry';
import { z } from 'zod';
import { eventView } from '../events/event-schemas.ts';
import { wholeNumber } from '../http/whole-number.ts';

const texts = labelsSchema;
const nullableText = z.string().nullable();

export const alertParams = z.object({ alert_id: storedText(100).min(1) });

export const alertsQuery = z.strictObject({
  state: z.enum(ALERT_STATES).optional(),
  severity: storedText(100)
    .optional()
    .describe(`Usually one of ${SEVERITIES.join(', ')}.`),
  rule_id: storedText(500).optional().describe('`group/alert`'),
  acknowledged: z.enum(['true', 'false']).optional().describe('Whether somebody has acknowledged it.'),
  receiver: storedText(500)
    .optional()
    .describe('A regular expression for the whole name of a receiver: what the routes in force send it.'),
  matcher: z
    .union([z.string(), z.array(z.string()).max(20)])
    .optional()
    .transform((given) => (given === undefined ? [] : typeof given === 'string' ? [given] : given))
    .describe('`name="value"`, with =, !=, =~ or !~; may be repeated, then all have to fit.'),
  limit: wholeNumber({ min: 1, max: 1000 }).default(100),
  cursor: z.string().max(200).optional().describe('`next_cursor` of the page before.'),
});

export const alertView = z.object({
  id: z.string(),
  rule_id: z.string(),
  fingerprint: z.string(),
  labels: texts,
  annotations: texts,
  severity: z.string(),
  state: z.enum(ALERT_STATES),
  value: z.string().describe('As Prometheus writes values: a number, NaN, +Inf or -Inf.'),
  threshold: z.number().nullable(),
  metric_name: nullableText,
  active_at: z.string(),
  fired_at: z.string(),
  resolved_at: nullableText,
  cause: z.enum(RESOLUTION_CAUSES).nullable(),
  acknowledged_by: nullableText,
  acknowledged_at: nullableText,
  acknowledged_note: nullableText,
  snoozed_until: nullableText.describe(
    'Until then nobody is told that it fires; null where it is not snoozed.',
  ),
  snoozed_by: nullableText,
  snooze_note: nullableText,
  assigned_to: nullableText.describe('Who looks after it.'),
  assigned_by: nullableText,
  assigned_at: nullableText,
  generator_url: nullableText.describe('The page of what raised it, where it was posted with one.'),
  remediation_id: nullableText,
  maintenance_id: nullableText.describe('The maintenance of its target that ran when it began to fire.'),
  evaluation_error: nullableText.describe('Why the rule can’t be evaluated now; the alert goes on firing.'),
  trace_id: nullableText,
  updated_at: z.string(),
});

export const alertsAnswer = z.object({ alerts: z.array(alertView), next_cursor: nullableText });

const alertRule = z.object({
  rule_key: z.string(),
  rule_id: z.string(),
  file: z.string(),
  expr: z.string(),
  for_ms: z.number(),
  keep_firing_for_ms: z.number(),
  comparison: nullableText.describe(
    'Between the metric and the threshold, as if the metric stood on the left; null where it compares no metric with a number.',
  ),
  threshold: z.number().nullable(),
  value_query: nullableText.describe(
    'PromQL of the value that the condition is held against, of the series of this alert as far as they can be told from others; null where there is none (`absent(…)`).',
  ),
});

export const alertRuleAnswer = z.object({
  alert_id: z.string(),
  rule: alertRule.nullable().describe('As it is loaded now; null where it is not any more.'),
});

const atLeast = z.boolean().describe('Whether there are more than that: no more were counted.');

export const timelineAnswer = z.object({
  alert_id: z.string(),
  left_out: z
    .object({ messages: z.int(), at_least: atLeast })
    .describe(
      'How many messages lie between the first of each integration and the newest 100, and are not here.',
    ),
  events: z.array(eventView),
});

/** Of an explanation: what lies between what came first and the newest. */
export const leftOutOfExplanation = z.object({ decisions: z.int(), messages: z.int(), at_least: atLeast });

export const activeAlertsQuery = z.strictObject({
  rule_id: storedText(500).optional().describe('`group/alert`'),
  state: z.enum(ACTIVE_ALERT_STATES).optional(),
  limit: wholeNumber({ min: 1, max: 1000 }).default(100),
  cursor: z.string().max(1500).optional().describe('`next_cursor` of the page before.'),
});

const activeAlert = z.object({
  active_id: z.string().describe('Names the label set for as long as its rule is loaded.'),
  rule_id: z.string(),
  alert_id: nullableText.describe('Null while pending.'),
  state: z.enum(ACTIVE_ALERT_STATES),
  labels: texts,
  annotations: texts,
  active_at: z.string(),
  value: z.string(),
});

export const activeAlertsAnswer = z.object({
  active: z.array(activeAlert),
  next_cursor: nullableText,
});

export const activeAlertParams = z.object({ active_id: storedText(500).min(1) });

export const activeAlertAnswer = activeAlert.extend({
  rule: alertRule,
  fires_at: nullableText.describe(
    'When it fires if its condition goes on to hold; null where it fires already.',
  ),
});

import { ANOMALY_KINDS, ANOMALY_STATES, emptyLabels, idText, labelsSchema, storedText } from '#telemetry';
import { z } from 'zod';
import { timeText } from '../http/time-text.ts';
import { wholeNumber } from '../http/whole-number.ts';

export const metricSample = z.object({
  metric_name: z.string(),
  value: z.number(),
  labels: labelsSchema,
  timestamp: z.string(),
});

/** Any parameter is a label. An object schema would drop the one called `__proto__`, and so answer everything. */
export const sampleQuery = z
  .custom<Readonly<Record<string, unknown>>>((given) => typeof given === 'object' && given !== null)
  .meta({
    type: 'object',
    properties: { metric_name: { type: 'string' }, phase_id: { type: 'string' } },
    additionalProperties: { type: 'string' },
  })
  .transform((given, context) => {
    const labels = emptyLabels();
    for (const [name, text] of Object.entries(given)) {
      if (typeof text === 'string') labels[name] = text;
      else context.addIssue({ code: 'custom', path: [name], message: 'expected one text' });
    }
    return labels;
  });

export const metricDefinition = z.object({
  metric_name: z.string(),
  type: z.enum(['gauge', 'counter', 'histogram']),
  unit: z.string(),
  labels: z.array(z.string()),
  help: z.string(),
});

export const anomalyView = z.object({
  id: z.string(),
  metric_name: z.string(),
  labels: labelsSchema,
  kind: z.enum(ANOMALY_KINDS),
  detector: z.string(),
  state: z.enum(ANOMALY_STATES),
  value: z.number(),
  expected: z.number().nullable(),
  score: z.number(),
  peak_score: z.number(),
  detected_at: z.string(),
  closed_at: z.string().nullable(),
  acknowledged_by: z.string().nullable(),
  acknowledged_at: z.string().nullable(),
  traceparent: z.string().nullable(),
});

export const agentScore = z.object({
  agent_id: z.string(),
  pool_id: z.string().nullable(),
  score: z.number().describe('How unlike its pool the agent behaves, 0 to 1.'),
  duration_score: z.number(),
  failure_score: z.number(),
  tasks: z.number(),
});

export const agentScoreQuery = z.strictObject({
  limit: wholeNumber({ min: 1, max: 1000 }).default(100),
});

export const anomalyQuery = z.strictObject({
  state: z.enum(ANOMALY_STATES).optional(),
  metric_name: storedText(1024).optional(),
  before: timeText.optional().describe('Only what was detected before this time.'),
  after: idText('anom', 'an anomaly').optional().describe('The last id of the page before.'),
  limit: wholeNumber({ min: 1, max: 1000 }).default(100),
});

export const anomalyParams = z.object({ anomaly_id: storedText(100) });

import { jsonObjectSchema, storedText } from '#telemetry';
import { z } from 'zod';
import { timeText } from '../http/time-text.ts';
import { wholeNumber } from '../http/whole-number.ts';

const traceId = z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 hex digits in lower case');
const name = storedText(200).min(1);
const limit = (byDefault: number) => wholeNumber({ min: 1, max: 1000 }).default(byDefault);
/** Longer ones are cut where they are stored. */
const attributeText = storedText(10_000);
const cursor = z.string().max(100).optional().describe('`next_cursor` of the page before.');
const nextCursor = z
  .string()
  .nullable()
  .describe(
    'Where to go on: there may be more, also where fewer were found than asked for. Null where all was searched.',
  );
const attributes = jsonObjectSchema;

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

export const tracesQuery = z.strictObject({
  from: timeText.optional().describe('Traces with a span that started then or later.'),
  to: timeText.optional(),
  name: name.optional().describe('The name of one of its spans.'),
  service: name.optional(),
  attribute: z
    .union([attributeText, z.array(attributeText).max(10)])
    .optional()
    .describe('`key=value`, compared as text; several must all hold for one span.'),
  status: z.literal('error').optional().describe('Only traces with a span that failed.'),
  limit: limit(100),
  cursor,
});

const nullableText = z.string().nullable();

const traceAbout = z
  .object({
    rule_id: nullableText,
    agent_id: nullableText,
    pool_id: nullableText,
    generation: z.number().nullable().describe('Of the agent that was started.'),
    policy: nullableText,
    outcome: nullableText.describe(
      'How the repair ended; without one how the alert did. Null while that goes on.',
    ),
    metric_name: nullableText,
    integration: nullableText.describe('That a message went to, `team-x/webhook/0`.'),
    task_type: nullableText,
  })
  .meta({ id: 'TraceAbout' });

export const tracesAnswer = z.object({
  traces: z.array(
    z
      .object({
        trace_id: z.string(),
        name: z.string().describe('Of the span that started first.'),
        service_name: z.string(),
        started_at: z.string(),
        duration_us: z.number(),
        span_count: z.number(),
        error_count: z.number(),
        about: traceAbout,
      })
      .meta({ id: 'TraceSummary' }),
  ),
  next_cursor: nextCursor,
});

export const traceParams = z.object({ trace_id: traceId });

export const traceAnswer = z
  .object({
    trace_id: z.string(),
    about: traceAbout,
    spans: z
      .array(
        z.object({
          span_id: z.string(),
          parent_span_id: z
            .string()
            .nullable()
            .describe('May name a span that is not here: one of another program, or one that goes on.'),
          name: z.string(),
          kind: z.enum(['internal', 'server', 'client', 'producer', 'consumer']),
          service_name: z.string(),
          started_at: z.string(),
          ended_at: z.string(),
          start_us: z.number().describe('Microseconds since the epoch.'),
          duration_us: z.number(),
          status: z.enum(['unset', 'ok', 'error']),
          status_message: z.string().nullable(),
          attributes,
          links: z.array(z.object({ trace_id: z.string(), span_id: z.string(), attributes })),
          events: z.array(z.object({ name: z.string(), at: z.string(), at_us: z.number(), attributes })),
        }),
      )
      .describe('By start.'),
  })
  .meta({ id: 'Trace' });

export const logsQuery = z.strictObject({
  from: timeText.optional(),
  to: timeText.optional(),
  level: z.enum(LEVELS).optional().describe('This level and what is more severe.'),
  text: storedText(500).min(1).optional().describe('Found in the message or the fields.'),
  trace_id: traceId.optional(),
  component: name.optional(),
  service: name.optional(),
  limit: limit(200),
  cursor,
});

export const logsAnswer = z.object({
  lines: z.array(
    z
      .object({
        at: z.string(),
        level: z.enum(LEVELS),
        component: z.string(),
        service_name: z.string(),
        message: z.string(),
        trace_id: z.string().nullable(),
        span_id: z.string().nullable(),
        fields: attributes,
      })
      .meta({ id: 'LogLine' }),
  ),
  next_cursor: nextCursor,
});

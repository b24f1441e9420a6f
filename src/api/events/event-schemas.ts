import { jsonObjectSchema, storedText } from '#telemetry';
import { z } from 'zod';
import { timeText } from '../http/time-text.ts';
import { wholeNumber } from '../http/whole-number.ts';

const eventId = wholeNumber({ min: 0 });

export const eventsQuery = z.strictObject({
  types: z
    .string()
    .max(1000)
    .optional()
    .describe('Event types or their dotted beginnings, separated by commas: `watchdog,fleet.agent`.'),
  entity_id: storedText(500).min(1).optional(),
  trace_id: z
    .string()
    .regex(/^[0-9a-f]{32}$/, 'must be 32 hex digits in lower case')
    .optional(),
  from: timeText.optional(),
  to: timeText.optional(),
  after_id: eventId.optional(),
  before_id: eventId.optional(),
  order: z.enum(['newest_first', 'oldest_first']).default('newest_first'),
  limit: wholeNumber({ min: 1, max: 1000 }).default(100),
});

export const eventView = z
  .object({
    id: z.number(),
    event_type: z.string(),
    entity_type: z.string(),
    entity_id: z.string(),
    payload: jsonObjectSchema,
    at: z.string(),
    traceparent: z.string().nullable(),
  })
  .meta({ id: 'SystemEvent' });

export const eventsAnswer = z.object({ events: z.array(eventView) });

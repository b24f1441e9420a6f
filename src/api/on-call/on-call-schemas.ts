import { storedText } from '#telemetry';
import { z } from 'zod';
import { timeText } from '../http/time-text.ts';

const nullableText = z.string().nullable();
const time = z.string().meta({ format: 'date-time' });
export const maxDurationMs = 366 * 86_400_000;

const personView = z.object({
  person: z.string(),
  receiver: nullableText.describe('By which receiver the person is told; null where none is named any more.'),
  override_id: nullableText.describe('The override that says so; null where a layer does.'),
  layer: z.number().nullable().describe('Which layer of the schedule says so, from 0.'),
});

export const overrideView = z.object({
  id: z.string(),
  schedule: z.string(),
  person: z.string(),
  starts_at: time,
  ends_at: time,
  comment: z.string(),
  created_by: z.string(),
  created_at: time,
});

export const onCallQuery = z.strictObject({
  at: timeText.optional().describe('Who is on call then; now where it is left out.'),
});

export const onCallAnswer = z.object({
  at: time,
  people: z.array(z.string()).describe('Who can be on call.'),
  schedules: z.array(
    z.object({
      schedule: z.string(),
      time_zone: z.string(),
      on_call: personView.nullable().describe('Null while nobody is.'),
      next: z
        .object({ at: time, on_call: personView.nullable() })
        .nullable()
        .describe('The next change; null where none comes within a month.'),
      layers: z.array(
        z.object({
          people: z.array(z.string()),
          rotation: z.string().describe('`daily`, `weekly`, or a number of milliseconds.'),
          during: nullableText,
        }),
      ),
      overrides: z.array(overrideView).describe('Those that have not ended by then.'),
    }),
  ),
});

export const newOverrideBody = z
  .strictObject({
    schedule: storedText(500).min(1).describe('One of the schedules of the routing configuration.'),
    person: storedText(500).min(1).describe('One of `people` of the routing configuration.'),
    starts_at: timeText.optional().describe('Now where it is left out.'),
    ends_at: timeText.optional().describe('Until when.'),
    duration_ms: z
      .number()
      .int()
      .min(1)
      .max(maxDurationMs)
      .optional()
      .describe('In the place of `ends_at`: for how long.'),
    comment: storedText(2000).default('').describe('Why, for people to read.'),
  })
  .refine(
    ({ ends_at: end, duration_ms: duration }) => (end === undefined) !== (duration === undefined),
    'say until when by one of ends_at and duration_ms',
  );

export const overrideParams = z.object({
  override_id: storedText(100).min(1).describe('An override, by its id.'),
});

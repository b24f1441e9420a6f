import { labelsSchema, SILENCE_END_CAUSES, storedText } from '#telemetry';
import { z } from 'zod';
import { timeText } from '../http/time-text.ts';
import { wholeNumber } from '../http/whole-number.ts';

const nullableText = z.string().nullable();
const time = z.string().meta({ format: 'date-time' });

export const maxMatchers = 100;
export const maxMatcherCharacters = 12_000;
export const maxDurationMs = 366 * 86_400_000;

const SHOWN_STATES = ['active', 'pending', 'expired'] as const;

const matcherText = storedText(maxMatcherCharacters).min(1);
const durationMs = z.number().int().min(1).max(maxDurationMs);

export const silenceView = z.object({
  id: z.string(),
  state: z.enum(SHOWN_STATES),
  matcher_sets: z
    .array(z.array(z.string()))
    .describe('Alternatives, of each of which all matchers have to match: `alertname="Down"`.'),
  starts_at: time,
  ends_at: time,
  created_by: z.string().describe('Who it is from, as its author says.'),
  set_by: z.string().describe('The person or token that asked for it.'),
  comment: z.string(),
  annotations: labelsSchema,
  until_resolved: z.boolean().describe('Whether it ends with the alerts that it silences.'),
  warn_before_ms: z.number().nullable().describe('How long before its end that is told; null: not at all.'),
  alert_id: nullableText.describe('The alert from which it was made.'),
  created_at: time,
  updated_at: time,
  end: z
    .object({
      cause: z.enum(SILENCE_END_CAUSES),
      by: nullableText.describe('The person or token; null where it ended by itself.'),
      replaced_by: nullableText.describe('The silence that took its place.'),
    })
    .nullable()
    .describe('How it ended; null where it has not, or only just.'),
});

export const silencesAnswer = z.object({ silences: z.array(silenceView), next_cursor: nullableText });

export const silencesQuery = z.strictObject({
  state: z
    .enum(['live', ...SHOWN_STATES, 'all'])
    .default('live')
    .describe('`live`: those that have not ended.'),
  matcher: z
    .union([z.string().max(maxMatcherCharacters), z.array(z.string().max(maxMatcherCharacters)).max(20)])
    .optional()
    .transform((given) => (given === undefined ? [] : [given].flat()))
    .describe(
      'A matcher that one of its sets has, as it is written there; may be repeated, then all have to be there.',
    ),
  limit: wholeNumber({ min: 1, max: 1000 }).default(100),
  cursor: z.string().max(200).optional().describe('`next_cursor` of the page before.'),
});

export const silencePreviewQuery = z.strictObject({
  matcher: z
    .union([matcherText, z.array(matcherText).max(maxMatchers)])
    .transform((given) => [given].flat())
    .describe('`alertname="Down"`; may be repeated, then all have to match.'),
});

export const silencePreviewAnswer = z.object({
  firing: z.number().describe('How many alerts fire that it would be for.'),
  alerts: z
    .array(z.object({ id: z.string(), labels: labelsSchema, severity: z.string() }))
    .describe('The first 10 of them.'),
});

export const newSilenceBody = z
  .strictObject({
    matchers: z
      .array(matcherText)
      .min(1)
      .max(maxMatchers)
      .optional()
      .describe('All of which have to match: `alertname="Down"`, with =, !=, =~ or !~.'),
    matcher_sets: z
      .array(z.array(matcherText).min(1).max(maxMatchers))
      .min(1)
      .max(maxMatchers)
      .optional()
      .describe('In the place of `matchers`: alternatives of several each.'),
    alert_id: storedText(100)
      .min(1)
      .optional()
      .describe('In the place of matchers: an alert, all of whose labels have to be the same.'),
    starts_at: timeText.optional().describe('Now where it is left out.'),
    ends_at: timeText.optional().describe('Until when it holds.'),
    duration_ms: durationMs.optional().describe('In the place of `ends_at`: how long it holds.'),
    comment: storedText(2000).min(1).describe('Why, for people to read.'),
    annotations: labelsSchema.optional().describe('What else is to be known of it, by names.'),
    until_resolved: z.boolean().default(false).describe('Whether it ends with the alerts that it silences.'),
    warn_before_ms: durationMs.nullable().default(null).describe('How long before its end that is told.'),
  })
  .refine(
    (body) =>
      [body.matchers, body.matcher_sets, body.alert_id].filter((one) => one !== undefined).length === 1,
    'say for which alerts by one of matchers, matcher_sets and alert_id',
  )
  .refine(
    ({ ends_at: end, duration_ms: duration }) => (end === undefined) !== (duration === undefined),
    'say until when by one of ends_at and duration_ms',
  );

export const changeSilenceBody = z
  .strictObject({
    matcher_sets: z
      .array(z.array(matcherText).min(1).max(maxMatchers))
      .min(1)
      .max(maxMatchers)
      .optional()
      .describe('Others than before end the silence, and another takes its place from now on.'),
    comment: storedText(2000).min(1).optional().describe('Why, for people to read.'),
    until_resolved: z.boolean().optional().describe('Whether it ends with the alerts that it silences.'),
  })
  .refine(
    (body) => Object.values(body).some((one) => one !== undefined),
    'say what is to be otherwise: matcher_sets, comment or until_resolved',
  );

export const extendSilenceBody = z
  .strictObject({
    ends_at: timeText.optional().describe('When it ends now, sooner or later than before.'),
    duration_ms: durationMs.optional().describe('In the place of `ends_at`: how long from now on.'),
  })
  .refine(
    ({ ends_at: end, duration_ms: duration }) => (end === undefined) !== (duration === undefined),
    'say until when by one of ends_at and duration_ms',
  );

export const silenceParams = z.object({
  silence_id: storedText(100).min(1).describe('A silence, by its id.'),
});

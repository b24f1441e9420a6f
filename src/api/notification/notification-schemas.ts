import { labelsSchema, storedText } from '#telemetry';
import { z } from 'zod';
import { leftOutOfExplanation } from '../alerts/alert-schemas.ts';
import { newestComments } from '../alerts/handling-schemas.ts';
import { wholeNumber } from '../http/whole-number.ts';

const nullableText = z.string().nullable();

const MESSAGE_STATES = ['pending', 'delivered', 'failed', 'superseded'] as const;

const messageView = z.object({
  notification_id: z.string(),
  receiver: z.string(),
  integration: z.string().describe('`receiver/type/index`'),
  reason: z.string().describe('Why it was sent: `first_notification`, `new_alerts`, `all_resolved`, …'),
  state: z.enum(MESSAGE_STATES).describe('`superseded`: another message took its place before it was sent.'),
  attempts: z.number(),
  created_at: z.string(),
  next_attempt_at: nullableText,
  given_up_at: nullableText.describe('When it is given up if nobody takes it; null where it does not wait.'),
  finished_at: nullableText,
  answer: nullableText.describe('What the receiver said last, or why there was no answer.'),
  failure: nullableText,
  held_until: nullableText.describe(
    'Until when the rate limit of its receiver held it; null where it went at once.',
  ),
  digest_id: nullableText.describe(
    'The digest that tells of it in its place; null where it is told of by itself.',
  ),
});

export const explainAnswer = z.object({
  alert_id: z.string(),
  decisions: z
    .array(
      z.object({
        at: z.string(),
        stage: z.string(),
        decision: z.string(),
        receiver: nullableText,
        notification_id: nullableText,
        reason: z.string(),
      }),
    )
    .describe(
      'What each stage decided, in order: the newest 500, and before them the first of each stage and integration, at most 100; what was said again is there once.',
    ),
  waits: z
    .array(
      z.object({
        stage: z.enum([
          'hold',
          'group_wait',
          'group_interval',
          'repeat_interval',
          'mute_time',
          'active_time',
        ]),
        receiver: z.string(),
        group_key: z.string(),
        until: nullableText.describe('Null where it has no end within a year.'),
        reason: z.string(),
      }),
    )
    .describe(
      'For what the alert waits now, in each of its groups, before it is told of or told of again; at most 100.',
    ),
  messages: z.array(messageView),
  left_out: leftOutOfExplanation.describe('How many lie between the first and the newest, and are not here.'),
  ...newestComments,
});

export const messagesQuery = z.strictObject({
  state: z.enum(MESSAGE_STATES).optional(),
  receiver: storedText(500).optional().describe('The name of a receiver.'),
  limit: wholeNumber({ min: 1, max: 1000 }).default(100),
  cursor: z.string().max(200).optional().describe('`next_cursor` of the page before.'),
});

export const messageAnswer = messageView.extend({
  group_key: z.string(),
  alert_ids: z.array(z.string()).describe('The first 100 of them.'),
  alert_name: nullableText.describe('The name of the first of them; null where it is no more.'),
  alerts: z.number().describe('How many alerts it tells of.'),
});

export const messageParams = z.object({
  notification_id: storedText(100).min(1).describe('The id of a message.'),
});

export const messagesAnswer = z.object({
  messages: z.array(messageAnswer),
  next_cursor: nullableText,
});

export const receiversAnswer = z.object({
  receivers: z.array(
    z.object({
      name: z.string(),
      labels: labelsSchema,
      integrations: z.array(
        z.object({
          integration: z.string(),
          type: z.string(),
          built: z
            .boolean()
            .describe('Whether Omoi sends to it; else the fallback receiver has its messages.'),
          send_resolved: z.boolean().nullable(),
          pending: z.number().describe('Messages that wait for it.'),
          refuses_since: nullableText.describe(
            'Since when it takes nothing of what it is sent; null where it does. After a restart from its first refusal on.',
          ),
          refusal: nullableText.describe('What it said last while it refuses.'),
        }),
      ),
    }),
  ),
});

export const receiverParams = z.object({
  receiver: storedText(500).min(1).describe('The name of a receiver.'),
});

export const receiverTestAnswer = z.object({
  receiver: z.string(),
  results: z.array(
    z.object({
      integration: z.string(),
      outcome: z.enum(['delivered', 'failed', 'not_sent']),
      failure: nullableText.describe('Of what kind it is, where it failed.'),
      answer: z.string().meta({ description: 'what it answered, or why it was not told' }),
    }),
  ),
});

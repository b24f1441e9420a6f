import { storedText } from '#telemetry';
import { z } from 'zod';
import { timeText } from '../http/time-text.ts';
import { alertView } from './alert-schemas.ts';

/** Alerts that one request changes. */
export const maxAlertsAtOnce = 1000;

const note = storedText(2000).min(1).optional().describe('Why, or what is being done, for people to read.');
const until = timeText.optional().describe('Until when it is snoozed.');
const durationMs = z
  .number()
  .int()
  .min(1)
  .optional()
  .describe('In the place of `until`: for how long from now on.');
const text = storedText(4000).min(1).describe('What is said about it.');
const person = storedText(200).min(1).nullable().describe('Who looks after it; null: nobody any more.');

type SnoozeTimes = { readonly until?: number | undefined; readonly duration_ms?: number | undefined };
const saysUntilWhen = ({ until: end, duration_ms: duration }: SnoozeTimes): boolean =>
  (end === undefined) !== (duration === undefined);
const HOW_TO_SAY = 'say until when by one of until and duration_ms';

export const acknowledgeBody = z.strictObject({ note }).nullish();

export const snoozeBody = z
  .strictObject({ until, duration_ms: durationMs, note })
  .refine(saysUntilWhen, HOW_TO_SAY);

export const assignBody = z.strictObject({ assigned_to: person });

export const commentBody = z.strictObject({ text });

export const commentView = z.object({
  id: z.string(),
  commented_by: z.string(),
  text: z.string(),
  at: z.string(),
});

/** What people have said, as it stands beside what it is about. */
export const newestComments = {
  comments: z.array(commentView).describe('What people have said about it, in order, the newest 20.'),
  comment_count: z.number().describe('How many comments there are; `/comments` lists them all.'),
};

export const alertAnswer = alertView.extend(newestComments);

export const commentsAnswer = z.object({ alert_id: z.string(), comments: z.array(commentView) });

const BULK_ACTIONS = ['acknowledge', 'resolve', 'snooze', 'unsnooze', 'assign', 'comment'] as const;

export const bulkBody = z
  .strictObject({
    ids: z.array(storedText(100).min(1)).min(1).max(maxAlertsAtOnce).describe('Ids of alerts.'),
    action: z.enum(BULK_ACTIONS).describe('What is done about each of them.'),
    note: note.describe('With `acknowledge` and `snooze`: why.'),
    until: until.describe('With `snooze`: until when.'),
    duration_ms: durationMs.describe('With `snooze`, in the place of `until`: for how long from now on.'),
    assigned_to: person.optional().describe('With `assign`: who looks after them; null: nobody any more.'),
    text: text.optional().describe('With `comment`: what is said about each.'),
  })
  .refine((body) => body.action !== 'snooze' || saysUntilWhen(body), HOW_TO_SAY)
  .refine((body) => body.action !== 'assign' || body.assigned_to !== undefined, 'say to whom by assigned_to')
  .refine((body) => body.action !== 'comment' || body.text !== undefined, 'say what by text');

export const bulkAnswer = z.object({
  results: z.array(
    z.object({
      alert_id: z.string(),
      error: z
        .string()
        .nullable()
        .describe('The code of the error for which nothing was done; null: it is done.'),
      message: z.string().nullable(),
    }),
  ),
});

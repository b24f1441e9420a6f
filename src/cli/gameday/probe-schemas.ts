import { durationText, recordOf } from '#telemetry';
import { z } from 'zod';
import { labels, poolId, scalar } from './schema-parts.ts';

const range = z.strictObject({ min: z.number().optional(), max: z.number().optional() });

const metricName = z.string().describe('The name of a metric.');

const eventProbe = z
  .strictObject({
    type: z.literal('event'),
    event_type: z.string().describe('The type of the event, like `monitor.alert.triggered`.'),
    where: recordOf(z.string(), scalar)
      .prefault({})
      .describe('Dotted paths into the event, and what stands there: `payload.agent_id: mailers-1`.'),
    count: z.number().int().positive().default(1).describe('How many such events are waited for.'),
    after: z.string().optional().describe('Only events that came after the one of this id.'),
  })
  .describe('An event comes, after the fault. Saved is the event, with its `payload`.');

const metricProbe = z
  .strictObject({
    type: z.literal('metric'),
    metric_name: metricName,
    labels: labels('The labels that a series has to have.'),
    aggregate: z
      .enum(['sum', 'max', 'min'])
      .default('sum')
      .describe('How the values of several series become one.'),
    tolerance: range.describe('Within which bounds the value has to come; one that is left out is open.'),
  })
  .describe('A value comes within bounds.');

const growthProbe = z
  .strictObject({
    type: z.literal('growth'),
    metric_name: metricName,
    labels: labels('The labels that a series has to have.'),
    parts: z
      .number()
      .int()
      .min(2)
      .default(3)
      .describe('Into how many parts the time is split; the mean of each must exceed the one before.'),
    over: durationText.describe('For how long it is watched.'),
  })
  .describe('A value grows.');

const poolProbe = z
  .strictObject({
    type: z.literal('pool'),
    pool: poolId,
    processes: range.describe('How many there have to be, counted by their process ids on this machine.'),
  })
  .describe('So many processes of a pool live.');

const absentProbe = eventProbe
  .omit({ type: true, count: true, after: true })
  .extend({ type: z.literal('absent'), over: durationText.describe('For how long it is watched.') })
  .describe('Nothing of the kind happens for as long as is watched.');

const rateProbe = eventProbe
  .omit({ type: true, count: true, after: true })
  .extend({
    type: z.literal('rate'),
    at_most: z.number().int().min(1).describe('How many there may be.'),
    per: durationText.describe('Within any such time.'),
  })
  .describe('However many there were since the fault, never more than so many came within any such time.');

const elapsedProbe = z
  .strictObject({
    type: z.literal('elapsed'),
    from: z.string().describe('The time of an event that was saved: `${name.at}`.'),
    to: z.string().describe('That of another one.'),
    at_most: durationText.describe('How long it may have taken from one to the other.'),
  })
  .describe('It took no longer from one event to another.');

const strangersProbe = z
  .strictObject({ type: z.literal('strangers_untouched') })
  .describe(
    'All processes still run that got the pids of workers when the machine was booted anew (`reboot`), and are none.',
  );

const taskOnceProbe = z
  .strictObject({ type: z.literal('task_done_once'), task: z.string().describe('The id of the task.') })
  .describe('A task was completed, and exactly once.');

const traceProbe = z
  .strictObject({
    type: z.literal('trace'),
    traceparent: z.string().describe('That of an event that was saved: `${alert.traceparent}`.'),
    spans: z.array(z.string()).min(1).describe('The names of spans that it has to have.'),
  })
  .describe('One trace holds all of these spans.');

const messageProbe = z
  .strictObject({
    type: z.literal('message'),
    where: recordOf(z.string(), scalar)
      .prefault({})
      .describe(
        'Dotted paths into its body, and what stands there: `alerts.0.labels.alertname: MailerDown`.',
      ),
  })
  .describe(
    'A message comes to the run’s webhook (`server.webhook`), after the fault. Saved are its `at`, `id` and `body`.',
  );

/** What may be observed. */
export const probeSchema = z.discriminatedUnion('type', [
  eventProbe,
  absentProbe,
  rateProbe,
  metricProbe,
  growthProbe,
  poolProbe,
  elapsedProbe,
  strangersProbe,
  taskOnceProbe,
  traceProbe,
  messageProbe,
]);

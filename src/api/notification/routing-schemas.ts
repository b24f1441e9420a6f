import { labelsSchema, storedText } from '#telemetry';
import { z } from 'zod';

const nullableText = z.string().nullable();

const routeView = z.object({
  route_id: z.string(),
  depth: z.number().describe('How far below the root; the list is depth first.'),
  receiver: z.string(),
  matchers: z.array(z.string()).describe('`team="web"`; none at the root.'),
  continue: z.boolean().describe('Whether an alert that it takes is offered to the routes behind it, too.'),
  group_by: z.array(z.string()).describe('`...`: each alert by itself.'),
  group_wait_ms: z.number(),
  group_interval_ms: z.number(),
  repeat_interval_ms: z.number(),
  mute_time_intervals: z.array(z.string()),
  active_time_intervals: z.array(z.string()),
  silent: z
    .object({
      because: z
        .enum(['mute', 'inactive'])
        .describe('`mute`: it is within these intervals. `inactive`: it is within none of them.'),
      names: z.array(z.string()),
    })
    .nullable()
    .describe('Why it keeps silent at this moment; null where it may speak.'),
  hold_for_remediation_ms: z.number().nullable(),
  escalation: nullableText,
  groups: z.number().describe('Its aggregation groups at this moment.'),
  alerts: z.number().describe('The alerts in them.'),
});

export const routesAnswer = z.object({ routes: z.array(routeView) });

export const maxLabels = 64;
const labelText = storedText(4000).min(1);

export const routingTestQuery = z.strictObject({
  label: z
    .union([labelText, z.array(labelText).max(maxLabels)])
    .optional()
    .transform((given) => (given === undefined ? [] : [given].flat()))
    .describe('A label of the alert, `team=web`; may be repeated.'),
});

export const routingTestAnswer = z.object({
  labels: labelsSchema,
  to: z
    .array(
      z.object({
        route_id: z.string(),
        receiver: z.string(),
        group_key: z.string(),
        group_labels: labelsSchema,
      }),
    )
    .describe('Where it goes, in the order of the tree.'),
  steps: z
    .array(
      z.object({
        route_id: z.string(),
        depth: z.number(),
        decision: z.enum(['receives', 'passed_on', 'not_matched', 'not_reached']),
        reason: z.string(),
      }),
    )
    .describe('Depth first; what lies below a route that it does not come to is left out.'),
});

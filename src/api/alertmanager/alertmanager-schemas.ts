import { labelsSchema } from '#telemetry';
import { z } from 'zod';

/* As Alertmanager 0.34 describes its API. */

const time = z.string().meta({ format: 'date-time' });
const receiverReference = z.object({ name: z.string() });

const matcher = z.object({
  name: z.string(),
  value: z.string(),
  isRegex: z.boolean(),
  isEqual: z.boolean(),
});

const silence = z.object({
  id: z.string(),
  status: z.object({ state: z.enum(['expired', 'active', 'pending']) }),
  updatedAt: time,
  annotations: labelsSchema,
  comment: z.string(),
  createdBy: z.string(),
  endsAt: time,
  matchers: z.array(matcher),
  matcherSets: z
    .array(z.array(matcher))
    .optional()
    .describe('All sets of a silence that has several; `matchers` is the first. Omoi’s own.'),
  startsAt: time,
});

const alert = z.object({
  annotations: labelsSchema,
  endsAt: time,
  fingerprint: z.string(),
  receivers: z.array(receiverReference),
  startsAt: time,
  status: z.object({
    inhibitedBy: z.array(z.string()),
    mutedBy: z.array(z.string()),
    silencedBy: z.array(z.string()),
    state: z.enum(['unprocessed', 'active', 'suppressed']),
  }),
  updatedAt: time,
  generatorURL: z.string().optional(),
  labels: labelsSchema,
});

export const silenceAnswer = silence;
export const silencesAnswer = z.array(silence);
export const silenceIdAnswer = z.object({ silenceID: z.string() });
export const alertsAnswer = z.array(alert);
export const groupsAnswer = z.array(
  z.object({
    alerts: z.array(alert),
    labels: labelsSchema,
    receiver: receiverReference,
    routeLabels: labelsSchema,
  }),
);
export const receiversAnswer = z.array(z.object({ labels: labelsSchema, name: z.string() }));
export const statusAnswer = z.object({
  cluster: z.object({ status: z.enum(['ready', 'settling', 'disabled']), peers: z.array(z.unknown()) }),
  config: z.object({ original: z.string() }),
  uptime: time.describe('Since when it runs.'),
  versionInfo: z.object({
    branch: z.string(),
    buildDate: z.string(),
    buildUser: z.string(),
    goVersion: z.string(),
    revision: z.string(),
    version: z.string().describe('The Alertmanager whose API this is.'),
  }),
});

/* What is posted is read as Alertmanager reads it, and refused in its words: these describe it and refuse nothing. */

const anything = () => true;

export const silenceBody = z.custom<unknown>(anything).meta({
  type: 'object',
  description:
    'A `postableSilence`: matchers, startsAt, endsAt, createdBy, comment; id to change one, annotations.',
});
export const alertsBody = z.custom<unknown>(anything).meta({
  type: 'array',
  items: { type: 'object' },
  description: 'A list of `postableAlert`: labels; annotations, startsAt, endsAt, generatorURL.',
});
export const silenceParams = z.object({ silence_id: z.string().describe('A silence, by its id, a UUID.') });

import { z } from 'zod';
import { durationText } from '#telemetry';
import type { ReceiverKind } from '../receivers/receiver-kind.ts';
import { eventRecorderSchema } from './event-recorder-schema.ts';
import { globalSchema } from './global-schema.ts';
import { omoiSchema, receiverExtrasKeys, routeExtrasSchema } from './omoi-schema.ts';
import { filePaths, flag, text, textMap, texts } from './setting-schemas.ts';
import { timeIntervalSchema } from './time-interval-schema.ts';
import { tracingSchema } from './tracing-schema.ts';

/** Kinds that Alertmanager does not have: their keys stand under `x-omoi` of a receiver. */
const OMOI_KINDS: ReadonlySet<string> = new Set(['command_configs']);

export function isOmoiKind({ key }: ReceiverKind): boolean {
  return OMOI_KINDS.has(key);
}

const routeKeys = {
  receiver: text(),
  group_by: z.array(text(), 'expected a list').nullish(),
  match: textMap(),
  match_re: matchRe(),
  matchers: texts(),
  mute_time_intervals: texts(),
  active_time_intervals: texts(),
  continue: flag(),
  group_wait: durationText.nullish(),
  group_interval: durationText.nullish(),
  repeat_interval: durationText.nullish(),
  labels: textMap(),
  'x-omoi': routeExtrasSchema,
};

/** A node of the tree without what stands below it. */
export const routeNodeSchema = z.strictObject({ ...routeKeys, routes: z.unknown().optional() });

export type RouteKeys = z.output<typeof routeNodeSchema>;

/** A node of the tree with all that stands below it. */
const routeSchema: z.ZodType = z.strictObject({
  ...routeKeys,
  get routes() {
    return z.array(routeSchema.nullable(), 'expected a list').nullish();
  },
});

export const inhibitRuleSchema = z.strictObject({
  name: text(),
  source_match: textMap(),
  source_match_re: matchRe(),
  source_matchers: texts(),
  target_match: textMap(),
  target_match_re: matchRe(),
  target_matchers: texts(),
  equal: texts(),
});

type InhibitRuleKeys = z.output<typeof inhibitRuleSchema>;

/** A named list of `time_intervals` or `mute_time_intervals`. */
export const namedIntervalsSchema = z.strictObject({
  name: text(),
  time_intervals: z.array(timeIntervalSchema, 'expected a list').nullish(),
});

/** A receiver without its integrations. */
export const receiverHeadSchema = z.object({ name: text(), labels: textMap() });

function receiverSchema(kinds: readonly ReceiverKind[]) {
  const own = kinds.filter(isOmoiKind);
  const others = kinds.filter((kind) => !isOmoiKind(kind));
  return z.strictObject({
    ...receiverHeadSchema.shape,
    ...integrationKeys(others),
    'x-omoi': z.strictObject({ ...receiverExtrasKeys, ...integrationKeys(own) }).nullish(),
  });
}

function integrationKeys(kinds: readonly ReceiverKind[]): Record<string, z.ZodType> {
  return Object.fromEntries(
    kinds.map(({ key, settings }) => [key, z.array(settings.nullable(), 'expected a list').nullish()]),
  );
}

/** The whole file: which keys there are, and what each may be by itself. */
export function configurationSchema(kinds: readonly ReceiverKind[]) {
  return z.strictObject({
    global: globalSchema,
    route: routeSchema.nullish(),
    inhibit_rules: z.array(inhibitRuleSchema.nullable(), 'expected a list').nullish(),
    receivers: z.array(receiverSchema(kinds).nullable(), 'expected a list').nullish(),
    templates: filePaths(),
    mute_time_intervals: z.array(namedIntervalsSchema.nullable(), 'expected a list').nullish(),
    time_intervals: z.array(namedIntervalsSchema.nullable(), 'expected a list').nullish(),
    tracing: tracingSchema,
    event_recorder: eventRecorderSchema,
    'x-omoi': omoiSchema,
  });
}

/** Regular expressions by the names of labels; one without a value is null, which is refused later, by its name. */
function matchRe() {
  return z
    .custom<Readonly<Record<string, string | null>> | null>(
      isExpressions,
      'expected names and regular expressions',
    )
    .nullish()
    .transform((values) => Object.entries(values ?? {}));
}

/** A `z.record` would drop the key `__proto__`, and with it a condition. */
function isExpressions(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((text) => text === null || typeof text === 'string');
}

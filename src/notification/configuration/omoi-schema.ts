import { isIP } from 'node:net';
import { posix } from 'node:path';
import { z } from 'zod';
import { durationText } from '#telemetry';
import { resolveTimeZone } from '../routing/time-zones.ts';
import type { SettingsProblem } from '../receivers/receiver-kind.ts';
import { MATCHER_MODES } from './matchers/index.ts';
import type {
  DeadMansSwitch,
  Escalation,
  EscalationStep,
  FlappingSettings,
  OmoiSettings,
  OnCallLayer,
  OnCallSchedule,
  ReceiverExtras,
  RouteExtras,
} from './omoi-settings.ts';
import { checkedBy, duration, secretUrl, text, texts, wholeNumber } from './setting-schemas.ts';
import { minuteOfDay, weekdayOf } from './time-interval-schema.ts';

/** Each list and map of `x-omoi` has at most so many entries. */
export const maxNames = 1_000;
export const maxSteps = 20;
export const maxRepeats = 100;
export const maxFlapEpisodes = 100;
const MIN_SWITCH_MS = 1_000;

const clockTime = z
  .string('expected a time of day')
  .transform((value, context) => {
    const minute = minuteOfDay(value);
    if (minute !== null && minute < 24 * 60) return minute;
    context.addIssue({ code: 'custom', message: `"${value}" is no time of day; write 09:00` });
    return z.NEVER;
  })
  .nullish()
  .transform((minute) => minute ?? 9 * 60);

const weekday = z
  .string('expected a weekday')
  .transform((value, context) => {
    const day = weekdayOf(value.toLowerCase());
    if (day >= 0) return day;
    context.addIssue({ code: 'custom', message: `${value} is not a valid weekday` });
    return z.NEVER;
  })
  .nullish()
  .transform((day) => day ?? 1);

const rotation = z
  .string('expected daily, weekly or a duration')
  .transform((value, context): OnCallLayer['rotation'] => {
    if (value === 'daily' || value === 'weekly') return value;
    const everyMs = durationText.safeParse(value);
    if (everyMs.success && everyMs.data > 0) return { everyMs: everyMs.data };
    context.addIssue({ code: 'custom', message: `"${value}" is no rotation; write daily, weekly, or 12h` });
    return z.NEVER;
  })
  .nullish()
  .transform((value) => value ?? 'weekly');

const day = z.string('expected a day').refine(isDay, 'expected a day, like 2026-11-30');

function isDay(value: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(value)) return false;
  const at = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(value);
}

const layerSchema = z
  .strictObject({
    people: texts(),
    rotation,
    hand_over: clockTime,
    hand_over_weekday: weekday,
    starts_on: day,
    during: name(),
  })
  .superRefine(
    checkedBy(({ people }) =>
      people.length === 0 ? [{ path: ['people'], message: 'a layer needs at least one of `people`' }] : [],
    ),
  )
  .transform((keys): OnCallLayer => ({
    people: keys.people,
    rotation: keys.rotation,
    handOverMinute: keys.hand_over,
    handOverWeekday: keys.hand_over_weekday,
    startsOn: keys.starts_on,
    during: keys.during,
  }));

const scheduleSchema = z.strictObject({
  time_zone: z
    .string('expected the name of a time zone')
    .transform((value, context) => {
      const zone = resolveTimeZone(value);
      if (zone !== null) return zone;
      context.addIssue({
        code: 'custom',
        message: `unknown time zone ${value}; write one like Europe/Berlin`,
      });
      return z.NEVER;
    })
    .nullish()
    .transform((zone) => zone ?? 'UTC'),
  layers: z.array(layerSchema).min(1, 'a schedule needs at least one layer').max(maxNames),
});

const stepSchema = z
  .strictObject({ after: duration(0), receiver: name(), severity: name() })
  .superRefine(
    checkedBy(({ receiver, severity }) =>
      receiver === null && severity === null
        ? [{ path: [], message: 'a step needs a receiver, a severity, or both' }]
        : [],
    ),
  )
  .transform((keys): EscalationStep => ({
    afterMs: keys.after,
    receiver: keys.receiver,
    severity: keys.severity,
  }));

const escalationSchema = z
  .strictObject({
    steps: z.array(stepSchema).min(1, 'an escalation needs at least one step').max(maxSteps),
    repeats: wholeNumber(0, { min: 0, max: maxRepeats }),
    during: name(),
  })
  .superRefine(checkedBy(({ steps }) => steps.flatMap(orderProblems)));

function orderProblems(
  step: EscalationStep,
  at: number,
  steps: readonly EscalationStep[],
): SettingsProblem[] {
  const before = steps[at - 1];
  if (!before || step.afterMs > before.afterMs) return [];
  return [{ path: ['steps', at, 'after'], message: 'each step comes later than the one before it' }];
}

const switchSchema = z
  .strictObject({ url: secretUrl(), every: duration(60_000) })
  .superRefine(
    checkedBy(({ url, every }) => [
      ...(url === null ? [{ path: [], message: 'dead_mans_switch needs a url' }] : []),
      ...(every < MIN_SWITCH_MS ? [{ path: ['every'], message: 'every is at least 1s' }] : []),
    ]),
  );

/** `x-omoi` at the top. */
export const omoiSchema = z
  .strictObject({
    matchers: z.enum(MATCHER_MODES, `expected one of ${MATCHER_MODES.join(', ')}`).nullish(),
    fallback_receiver: name(),
    escalation: named(escalationSchema),
    on_call: named(scheduleSchema),
    people: named(z.strictObject({ receiver: z.string('expected the name of a receiver') })),
    dead_mans_switch: switchSchema.nullish(),
    allowed_commands: z
      .array(
        z
          .string('expected a path')
          .refine((path) => posix.isAbsolute(path), 'a command is named by its absolute path'),
        'expected a list',
      )
      .max(maxNames, `at most ${maxNames} commands`)
      .nullish(),
    allowed_addresses: z
      .array(
        z
          .string('expected a host or a network')
          .refine(isAddress, 'expected a host, 169.254.169.254, or a network, 169.254.0.0/16'),
      )
      .max(maxNames)
      .nullish(),
  })
  .nullish();

type OmoiKeys = z.output<typeof omoiSchema>;

/** What `x-omoi` at the top says, with what is off where nothing is written. */
export function omoiSettings(keys: OmoiKeys): OmoiSettings {
  return {
    matcherMode: keys?.matchers ?? 'fallback',
    fallbackReceiver: keys?.fallback_receiver ?? null,
    escalations: mapOf(keys?.escalation, (_, value): Escalation => value),
    onCall: mapOf(keys?.on_call, (scheduleName, value): OnCallSchedule => ({
      name: scheduleName,
      timeZone: value.time_zone,
      layers: value.layers,
    })),
    people: mapOf(keys?.people, (personName, { receiver }) => ({ name: personName, receiver })),
    deadMansSwitch: switchOf(keys?.dead_mans_switch),
    allowedCommands: keys?.allowed_commands ?? [],
    allowedAddresses: keys?.allowed_addresses ?? [],
  };
}

function switchOf(keys: z.output<typeof switchSchema> | null | undefined): DeadMansSwitch | null {
  return keys?.url ? { url: keys.url, everyMs: keys.every } : null;
}

function mapOf<Value, Result>(
  values: Readonly<Record<string, Value>> | null | undefined,
  resultOf: (name: string, value: Value) => Result,
): ReadonlyMap<string, Result> {
  return new Map(Object.entries(values ?? {}).map(([key, value]) => [key, resultOf(key, value)]));
}

const flappingSchema = z
  .strictObject({
    episodes: wholeNumber(1, { min: 0, max: maxFlapEpisodes }),
    within: duration(0),
  })
  .superRefine(
    checkedBy(({ episodes, within }) => [
      ...(episodes === 1 ? [{ path: [], message: 'flapping needs episodes: how many, from 2' }] : []),
      ...(episodes > 0 && within <= 0
        ? [{ path: [], message: 'flapping needs within: in which time, like 10m' }]
        : []),
    ]),
  )
  .transform(({ episodes, within }): FlappingSettings => ({ episodes, withinMs: within }));

/** `x-omoi` of a route. What is not written is inherited; `0s`, `false`, no episodes and the empty text switch off what is inherited. */
export const routeExtrasSchema = z
  .strictObject({
    hold_for_remediation: durationText.nullish(),
    hold_critical: z.boolean('expected true or false').nullish(),
    critical_bypasses_interval: z.boolean('expected true or false').nullish(),
    escalation: z.string('expected the name of an escalation').nullish(),
    flapping: flappingSchema.nullish(),
  })
  .nullish();

export const NO_ROUTE_EXTRAS: RouteExtras = {
  holdForRemediationMs: null,
  holdCritical: false,
  criticalBypassesInterval: false,
  escalation: null,
  flapping: null,
};

export function routeExtras(keys: z.output<typeof routeExtrasSchema>, inherited: RouteExtras): RouteExtras {
  const { hold_for_remediation: holdMs, escalation, flapping } = keys ?? {};
  return {
    holdForRemediationMs:
      holdMs === undefined || holdMs === null ? inherited.holdForRemediationMs : holdMs || null,
    holdCritical: keys?.hold_critical ?? inherited.holdCritical,
    criticalBypassesInterval: keys?.critical_bypasses_interval ?? inherited.criticalBypassesInterval,
    escalation: escalation === undefined || escalation === null ? inherited.escalation : escalation || null,
    flapping:
      flapping === undefined || flapping === null
        ? inherited.flapping
        : flapping.episodes > 0
          ? flapping
          : null,
  };
}

/** Half of the time after which messages are given up. */
export const maxRateWindowMs = 12 * 3_600_000;

/** The keys of `x-omoi` of a receiver, besides those of Omoi's own integrations. */
export const receiverExtrasKeys = {
  on_call: name(),
  rate_limit: z
    .strictObject({ messages: wholeNumber(0, { min: 1, max: 1_000_000 }), per: duration(0) })
    .superRefine(
      checkedBy(({ messages, per }) => [
        ...(messages < 1 ? [{ path: [], message: 'rate_limit needs messages: how many' }] : []),
        ...(per <= 0 ? [{ path: [], message: 'rate_limit needs per: in which time, like 1m' }] : []),
        ...(per > maxRateWindowMs
          ? [{ path: ['per'], message: 'per is at most 12h: what is held is told then' }]
          : []),
      ]),
    )
    .nullish(),
};

export const receiverExtrasSchema = z.object(receiverExtrasKeys).nullish();

export function receiverExtras(keys: z.output<typeof receiverExtrasSchema>): ReceiverExtras {
  const limit = keys?.rate_limit;
  return {
    onCall: keys?.on_call ?? null,
    rateLimit: limit ? { messages: limit.messages, perMs: limit.per } : null,
  };
}

/** A name; null where it is not written or empty. */
function name() {
  return text().transform((value) => (value === '' ? null : value));
}

function named<Schema extends z.ZodType>(schema: Schema) {
  return z
    .record(z.string(), schema)
    .refine((entries) => Object.keys(entries).length <= maxNames, `at most ${maxNames} names`)
    .nullish();
}

function isAddress(value: string): boolean {
  const [, address = '', bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(value) ?? [];
  const version = isIP(address);
  if (bits !== undefined) return version !== 0 && Number(bits) <= (version === 4 ? 32 : 128);
  return version !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(address);
}

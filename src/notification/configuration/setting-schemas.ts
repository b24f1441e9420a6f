import { z } from 'zod';
import { copyLabels, durationText, labelsSchema, type Labels } from '#telemetry';
import type { SettingsProblem } from '../receivers/receiver-kind.ts';
import { problemOfHttpUrl } from './go-url.ts';

/**
 * The settings of a configuration as schemas. They are read as Go's YAML reads them: a key that is not written has its default, one
 * with null or no value has the zero of its type. Scalars reach a text field as they are written; `z.boolean()` and numbers are
 * given to a schema as such, and below `z.unknown()` scalars have YAML's types (`DocumentSource.scalars: 'text'`).
 */

/**
 * What a text is besides: a `secret` is never shown, of a `secret address` no more than whether it is http or https; a `file` is looked
 * for from the folder of the configuration.
 */
export const settingRoles = z.registry<{ readonly role: 'secret' | 'secret address' | 'file' }>();

/** What stands in the place of a secret where a configuration is shown, and may be read back. */
export const SHOWN_SECRET = '<secret>';

const written = z.string('expected a text');
const secretText = z.string('expected a text').register(settingRoles, { role: 'secret' });
const fileText = z.string('expected a path').register(settingRoles, { role: 'file' });

/** A text; also one that is a Go template. */
export function text(absent = '') {
  return written.nullable().default(absent).transform(orEmpty);
}

/** A text of a fixed list. */
export function oneOf<const Words extends readonly string[]>(words: Words, absent: Words[number]) {
  return z
    .literal(words, `expected one of ${words.join(', ')}`)
    .nullable()
    .default(absent)
    .transform((value): Words[number] => value ?? absent);
}

/** Yes or no; no for null. */
export function flag(absent = false) {
  return z
    .boolean('expected true or false')
    .nullable()
    .default(absent)
    .transform((value) => value ?? false);
}

/** Yes or no; null where it is not said. */
export function optionalFlag() {
  return z
    .boolean('expected true or false')
    .nullish()
    .transform((value) => value ?? null);
}

/** `send_resolved` of an integration, with the default of its kind. */
export function sendResolved(absent: boolean) {
  return flag(absent);
}

/** A whole number; 0 for null. */
export function wholeNumber(absent = 0, { min = -MAX_INTEGER, max = MAX_INTEGER } = {}) {
  return z
    .number('expected a whole number')
    .transform(Math.trunc)
    .pipe(
      z
        .number()
        .min(min, `expected a whole number from ${min}`)
        .max(max, `expected a whole number up to ${max}`),
    )
    .nullable()
    .default(absent)
    .transform((value) => value ?? 0);
}

const MAX_INTEGER = 2 ** 63;

/** A list of texts. */
export function texts() {
  return listOf(written);
}

/** A list of secrets. */
export function secrets() {
  return listOf(secretText);
}

/** A list of paths of files. */
export function filePaths() {
  return listOf(fileText);
}

function listOf(item: z.ZodString) {
  return z
    .array(item.nullable().transform(orEmpty), 'expected a list')
    .nullable()
    .default([])
    .transform((values): readonly string[] => values ?? []);
}

/** Texts by names of whatever kind (`__proto__` too): headers, fields, details. */
export function textMap() {
  return z
    .preprocess(
      (value) => (isMapping(value) ? mapValues(value, (inner) => inner ?? '') : (value ?? {})),
      labelsSchema,
    )
    .transform((values): Labels => copyLabels(values))
    .prefault({});
}

/** A list of texts, or of secrets, by names. */
export function secretLists() {
  return z
    .record(written, secrets())
    .nullable()
    .default({})
    .transform((values): Readonly<Record<string, readonly string[]>> => values ?? {});
}

/** A secret; null where it is not written or empty. */
export function secret() {
  return secretText.nullish().transform(orNull);
}

/** The path of a file, resolved from the folder of the configuration; null where it is not written or empty. */
export function filePath() {
  return fileText.nullish().transform(orNull);
}

/** The address of a web server; null where it is not written. */
export function url() {
  return written
    .superRefine((value, context) => {
      addIfAny(context, problemOfHttpUrl(value));
    })
    .nullish()
    .transform((value) => value ?? null);
}

/** An address that is itself a secret, like those of webhooks; null where it is not written. */
export function secretUrl() {
  return z
    .string('expected an address')
    .superRefine((value, context) => {
      if (value !== SHOWN_SECRET) addIfAny(context, problemOfHttpUrl(value));
    })
    .register(settingRoles, { role: 'secret' })
    .nullish()
    .transform((value) => value ?? null);
}

/** As `secretUrl`, but it may be a Go template, which is not looked into; null also where it is empty. */
export function secretTemplateUrl() {
  return z
    .string('expected an address')
    .superRefine((value, context) => {
      const isPlain = value !== '' && value !== SHOWN_SECRET && !value.includes('{{');
      if (isPlain) addIfAny(context, problemOfHttpUrl(value));
    })
    .register(settingRoles, { role: 'secret address' })
    .nullish()
    .transform(orNull);
}

/** An address `host:port` of whatever kind; null where it is not written or empty. */
export function hostPort() {
  return written
    .transform((value, context) => {
      if (value === '') return null;
      const address = splitHostPort(value);
      if (typeof address !== 'string') return address;
      context.addIssue({ code: 'custom', message: address });
      return z.NEVER;
    })
    .nullish()
    .transform((value) => value ?? null);
}

interface HostPort {
  readonly host: string;
  readonly port: string;
}

/** As Go's `net.SplitHostPort`, but that the port may not be empty. @returns what is wrong, where it is no address */
function splitHostPort(address: string): HostPort | string {
  const bracketed = /^\[([^[\]]*)\](?::(.*))?$/.exec(address);
  const plain = /^([^:[\]]*)(?::([^:[\]]*))?$/.exec(address);
  const [, host = '', port] = bracketed ?? plain ?? [];
  if (!bracketed && !plain) {
    return address.split(':').length > 2
      ? `address ${address}: too many colons in address`
      : `address ${address}: unexpected bracket`;
  }
  if (port === undefined) return `address ${address}: missing port in address`;
  if (port === '') return `address "${address}": port cannot be empty`;
  return { host, port };
}

/** A duration as Prometheus writes it (`1h30m`), in ms. */
export function duration(absentMs: number) {
  return optionalDuration().transform((valueMs) => (valueMs === undefined ? absentMs : (valueMs ?? 0)));
}

/** A duration as Prometheus writes it, in ms; null or undefined where it is not written. */
function optionalDuration() {
  return durationText.nullish();
}

/**
 * A duration as Go writes it (`1.5s`, `300ms`, `1h2m`), in ms.
 * @param bare a number without a unit: nanoseconds, as in the fields of Go that are durations themselves, or `refused`
 */
export function goDuration(absentMs: number, bare: 'nanoseconds' | 'refused' = 'nanoseconds') {
  return written
    .transform((value, context) => {
      const isBare = bare === 'nanoseconds' && /^[+-]?\d+$/.test(value);
      const valueMs = isBare ? Number(value) / 1e6 : parseGoDuration(value);
      if (valueMs !== null) return valueMs;
      context.addIssue({ code: 'custom', message: `"${value}" is no duration; write 10s, 1m30s, 500ms` });
      return z.NEVER;
    })
    .nullable()
    .optional()
    .transform((valueMs) => (valueMs === undefined ? absentMs : (valueMs ?? 0)));
}

const GO_UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};
const GO_DURATION = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;
const GO_PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;

/** What Go's `time.ParseDuration` makes of a text, in ms; null for what is none. */
export function parseGoDuration(text: string): number | null {
  if (/^[+-]?0$/.test(text)) return 0;
  if (!GO_DURATION.test(text)) return null;
  let totalMs = 0;
  for (const [, count, unit] of text.matchAll(GO_PART))
    totalMs += Number(count) * (GO_UNITS_MS[unit ?? ''] ?? 0);
  return text.startsWith('-') ? -totalMs : totalMs;
}

/** For `superRefine` of an object of settings. */
export function checkedBy<Settings>(problemsOf: (settings: Settings) => readonly SettingsProblem[]) {
  return (settings: Settings, context: z.core.$RefinementCtx<Settings>): void => {
    for (const { path, message } of problemsOf(settings)) {
      context.addIssue({ code: 'custom', path: [...path], message });
    }
  };
}

/** The mistake of more than one of these being there: `at most one of a & a_file must be configured`. */
export function atMostOne<Settings>(
  settings: Settings,
  ...keys: readonly (keyof Settings & string)[]
): readonly SettingsProblem[] {
  const [, second] = keys.filter((key) => isThere(settings[key]));
  if (second === undefined) return [];
  return [{ path: [second], message: `at most one of ${keys.join(' & ')} must be configured` }];
}

/** The mistake of none of these being there: `one of a or a_file must be configured`. */
export function atLeastOne<Settings>(
  settings: Settings,
  ...keys: readonly (keyof Settings & string)[]
): readonly SettingsProblem[] {
  if (keys.some((key) => isThere(settings[key]))) return [];
  return [{ path: [], message: `one of ${keys.join(' or ')} must be configured` }];
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `Object.fromEntries` keeps a key `__proto__`. */
function mapValues(
  values: Readonly<Record<string, unknown>>,
  map: (value: unknown) => unknown,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value)]));
}

function orEmpty(value: string | null): string {
  return value ?? '';
}

function orNull(value: string | null | undefined): string | null {
  return value === undefined || value === '' ? null : value;
}

function addIfAny(context: z.core.$RefinementCtx<string>, message: string | null): void {
  if (message !== null) context.addIssue({ code: 'custom', message });
}

import { emptyLabels, type Labels, toStorable } from '#telemetry';
import { AlertmanagerRefusal, REFUSAL_CODES } from './alertmanager-refusal.ts';

/** Go's time that never was, in ms: clients send it where they mean none. */
const GO_ZERO_MS = -62_135_596_800_000;
const TIME = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:?\d\d)?$/;

/** A field of a body as Go reads it into a struct: a name and what the body is called. */
export interface GoField {
  readonly body: string;
  /** `0.labels` */
  readonly path: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** @throws AlertmanagerRefusal where it is no object */
export function objectOf(value: unknown, { body, path }: GoField): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw mistyped(body, path, 'an object');
}

/** A text; null where there is none. @throws AlertmanagerRefusal */
export function textOf(value: unknown, { body, path }: GoField): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return toStorable(value);
  throw mistyped(body, path, 'a text');
}

/** @throws AlertmanagerRefusal */
export function flagOf(value: unknown, { body, path }: GoField): boolean | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'boolean') return value;
  throw mistyped(body, path, 'true or false');
}

/** Wall ms; null where it is missing, or Go's zero. @throws AlertmanagerRefusal */
export function timeOf(value: unknown, field: GoField): number | null {
  const text = textOf(value, field);
  if (text === null) return null;
  const hasZone = /[Zz]$|[+-]\d\d:?\d\d$/.test(text.slice(10));
  const wallMs = TIME.test(text) ? Date.parse(hasZone ? text : `${text}Z`) : NaN;
  if (Number.isNaN(wallMs)) throw mistyped(field.body, field.path, 'a time like 2026-11-30T12:00:00Z');
  return wallMs === GO_ZERO_MS ? null : wallMs;
}

/** Names and texts; null where there are none. @throws AlertmanagerRefusal */
export function labelsOf(value: unknown, field: GoField): Labels | null {
  if (value === undefined || value === null) return null;
  const labels = emptyLabels();
  for (const [name, text] of Object.entries(objectOf(value, field))) {
    labels[toStorable(name)] = textOf(text, { ...field, path: `${field.path}.${name}` }) ?? '';
  }
  return labels;
}

/** @throws AlertmanagerRefusal where it is missing */
export function required<T>(value: T | null, { path }: GoField): T {
  if (value !== null) return value;
  throw AlertmanagerRefusal.invalid(REFUSAL_CODES.required, `${path} in body is required`);
}

function mistyped(body: string, path: string, expected: string): AlertmanagerRefusal {
  return AlertmanagerRefusal.unreadable(body, `${path === '' ? 'it' : path} has to be ${expected}`);
}

import type { Labels } from '#telemetry';
import { formatFloat } from './go-format.ts';

/** One element of a vector, as a template sees it: `.Labels` and `.Value`. */
export interface TemplateSample {
  readonly Labels: Labels;
  readonly Value: number;
}

/**
 * A value of a template. Go's int is a bigint here and its float64 a number, because Go tells them apart when it
 * compares and prints.
 */
export type TemplateValue =
  | null
  | string
  | number
  | bigint
  | boolean
  | Date
  | readonly TemplateValue[]
  | { readonly [key: string]: TemplateValue };

/** What a template may fail with while it runs; Prometheus puts the message into the text. */
export class TemplateRunError extends Error {
  override readonly name = 'TemplateRunError';
}

export function isList(value: TemplateValue): value is readonly TemplateValue[] {
  return Array.isArray(value);
}

export function isMap(value: TemplateValue): value is { readonly [key: string]: TemplateValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** Go's name of the value's type, for messages. */
export function typeName(value: TemplateValue): string {
  if (value === null) return 'nil';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'number') return 'float64';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'boolean') return 'bool';
  if (value instanceof Date) return 'time.Time';
  return isList(value) ? 'slice' : 'map';
}

/** What `if`, `and` and `or` take for true: anything but zero, the empty and nil. */
export function isTruthy(value: TemplateValue): boolean {
  if (value === null) return false;
  if (typeof value === 'number') return value !== 0;
  if (typeof value === 'bigint') return value !== 0n;
  if (typeof value === 'string') return value !== '';
  if (typeof value === 'boolean') return value;
  if (value instanceof Date) return true;
  return isList(value) ? value.length > 0 : Object.keys(value).length > 0;
}

/** The text of a value as Go's `%v` prints it. */
export function printValue(value: TemplateValue): string {
  if (value === null) return '<no value>';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return formatFloat(value, 'g', null);
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (value instanceof Date) return printTime(value);
  if (isList(value)) return `[${value.map(printValue).join(' ')}]`;
  const names = Object.keys(value).sort();
  return `map[${names.map((name) => `${name}:${printValue(value[name] ?? null)}`).join(' ')}]`;
}

/** `2026-11-22 16:50:00.5 +0000 UTC`, as Go prints a time in UTC. */
function printTime(time: Date): string {
  const iso = time.toISOString();
  const milliseconds = iso.slice(20, 23).replace(/0+$/, '');
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}${milliseconds === '' ? '' : `.${milliseconds}`} +0000 UTC`;
}

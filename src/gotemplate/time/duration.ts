import { fixed } from '../functions/function-set.ts';
import {
  type FunctionDefinition,
  GoInteger,
  integerOf,
  methodsFrom,
  type MethodTable,
  type TemplateValue,
} from '../values/value.ts';

export const DURATION_TYPE = 'time.Duration';

const NANOSECOND = 1n;
const MICROSECOND = 1000n * NANOSECOND;
const MILLISECOND = 1000n * MICROSECOND;
const SECOND = 1000n * MILLISECOND;
const MINUTE = 60n * SECOND;
const HOUR = 60n * MINUTE;

/** A `time.Duration` of so many nanoseconds. */
export function durationValue(nanoseconds: bigint): GoInteger {
  return new GoInteger(DURATION_TYPE, nanoseconds, {
    text: () => durationText(nanoseconds),
    methods: methodsFrom(DURATION_METHODS, nanoseconds),
  });
}

type DurationMethod = (nanoseconds: bigint) => FunctionDefinition;

const inUnit =
  (unit: bigint): DurationMethod =>
  (nanoseconds) =>
    // The whole part and the rest apart, as Go divides: large durations keep their fraction.
    fixed([], () => Number(nanoseconds / unit) + Number(nanoseconds % unit) / Number(unit));
const whole =
  (unit: bigint): DurationMethod =>
  (nanoseconds) =>
    fixed([], () => new GoInteger('int64', nanoseconds / unit));
const cut =
  (change: (nanoseconds: bigint, unit: bigint) => bigint): DurationMethod =>
  (nanoseconds) =>
    fixed([DURATION_TYPE], ([unit = null]) => durationValue(change(nanoseconds, integerOf(unit) ?? 0n)));

const DURATION_METHODS: MethodTable<bigint> = new Map<string, DurationMethod>([
  ['Hours', inUnit(HOUR)],
  ['Minutes', inUnit(MINUTE)],
  ['Seconds', inUnit(SECOND)],
  ['Milliseconds', whole(MILLISECOND)],
  ['Microseconds', whole(MICROSECOND)],
  ['Nanoseconds', whole(NANOSECOND)],
  ['Abs', (nanoseconds) => fixed([], () => durationValue(nanoseconds < 0n ? -nanoseconds : nanoseconds))],
  ['Truncate', cut(truncated)],
  ['Round', cut(rounded)],
  ['String', (nanoseconds) => fixed([], () => durationText(nanoseconds))],
]);

/** Towards zero to a multiple of the unit; a unit of zero or below changes nothing. */
export function truncated(value: bigint, unit: bigint): bigint {
  return unit <= 0n ? value : value - (value % unit);
}

/** To the nearest multiple of the unit, from halfway away from zero. */
export function rounded(value: bigint, unit: bigint): bigint {
  if (unit <= 0n) return value;
  const rest = value % unit;
  const size = rest < 0n ? -rest : rest;
  if (size * 2n < unit) return value - rest;
  return value - rest + (value < 0n ? -unit : unit);
}

/** `1h2m3.5s`, `1.5ms`, as Go prints a duration. */
function durationText(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return '0s';
  const sign = nanoseconds < 0n ? '-' : '';
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  if (size < MICROSECOND) return `${sign}${size}ns`;
  if (size < MILLISECOND) return `${sign}${decimal(size, MICROSECOND)}µs`;
  if (size < SECOND) return `${sign}${decimal(size, MILLISECOND)}ms`;
  const hours = size >= HOUR ? `${size / HOUR}h` : '';
  const minutes = size >= MINUTE ? `${(size % HOUR) / MINUTE}m` : '';
  return `${sign}${hours}${minutes}${decimal(size % MINUTE, SECOND)}s`;
}

function decimal(size: bigint, unit: bigint): string {
  const digits = String(unit).length - 1;
  const fraction = String(size % unit)
    .padStart(digits, '0')
    .replace(/0+$/, '');
  return `${size / unit}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Of a duration its seconds; null for every other value. */
export function secondsOfDuration(value: TemplateValue): number | null {
  return value instanceof GoInteger && value.type === DURATION_TYPE ? Number(value.value) / 1e9 : null;
}

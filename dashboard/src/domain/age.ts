const UNITS = [
  { name: 'd', ms: 86_400_000 },
  { name: 'h', ms: 3_600_000 },
  { name: 'm', ms: 60_000 },
  { name: 's', ms: 1_000 },
] as const;

/**
 * A duration in one or two units, as the server writes it: `13s`, `4m10s`, `2h5m`. Short ones to a hundredth of a second:
 * `1.75s`, `240ms`.
 */
export function formatDuration(exactMs: number): string {
  const durationMs = Math.max(0, Math.round(exactMs));
  if (durationMs < 1_000) return `${durationMs}ms`;
  if (durationMs < 10_000) return `${Math.floor(durationMs / 10) / 100}s`;
  const first = UNITS.findIndex(({ ms }) => durationMs >= ms);
  const large = UNITS[first];
  if (!large) return '0s';
  const count = Math.floor(durationMs / large.ms);
  const small = UNITS[first + 1];
  const rest = small ? Math.floor((durationMs % large.ms) / small.ms) : 0;
  return rest > 0 && small && count < 10
    ? `${count}${large.name}${rest}${small.name}`
    : `${count}${large.name}`;
}

/** How long ago something was, in whole seconds; what lies ahead by a clock's error counts as now. */
export function formatAge(atMs: number, nowMs: number): string {
  const ageMs = nowMs - atMs;
  return ageMs < 1_000 ? 'now' : formatDuration(Math.floor(ageMs / 1_000) * 1_000);
}

/** How long ago something was, to be said as it is: `13s ago`. */
export function formatAgo(atMs: number, nowMs: number): string {
  const age = formatAge(atMs, nowMs);
  return age === 'now' ? 'now' : `${age} ago`;
}

/** How long something has lasted, in whole seconds, to be said after "for". */
export function formatElapsed(sinceMs: number, nowMs: number): string {
  const age = formatAge(sinceMs, nowMs);
  return age === 'now' ? 'a moment' : age;
}

/**
 * A moment by the clock on the wall, with its day where that is not the last one.
 * @param timeZone `Europe/Berlin`; the reader's where absent, or not known to this browser
 */
export function formatMoment(atMs: number, nowMs: number, timeZone?: string): string {
  const { clock, dayAndClock } = timeZone === undefined ? HERE : knownFormatsIn(timeZone);
  return (Math.abs(nowMs - atMs) < DAY_MS ? clock : dayAndClock).format(new Date(atMs));
}

const DAY_MS = 86_400_000;

/** @param timeZone that of the reader where absent */
function formatsIn(timeZone?: string) {
  const time = { timeStyle: 'medium', hourCycle: 'h23', timeZone } as const;
  return {
    clock: new Intl.DateTimeFormat(undefined, time),
    dayAndClock: new Intl.DateTimeFormat(undefined, { ...time, dateStyle: 'medium' }),
  };
}

const HERE = formatsIn();

function knownFormatsIn(timeZone: string): typeof HERE {
  try {
    return formatsIn(timeZone);
  } catch {
    return HERE;
  }
}

/** A span of time as exactly as it deserves: `< 1ms`, `640µs`, `12.4ms`, `1.52s`, then as `formatDuration`. */
export function formatSpanTime(durationMs: number): string {
  if (durationMs === 0) return '< 1ms';
  if (durationMs < 1) return `${Math.round(durationMs * 1_000)}µs`;
  if (durationMs < 1_000) return `${trimmed(durationMs, durationMs < 100 ? 1 : 0)}ms`;
  if (durationMs < 60_000) return `${trimmed(durationMs / 1_000, 2)}s`;
  return formatDuration(durationMs);
}

/** A place in a trace: how long after its start. */
export function formatOffset(offsetMs: number): string {
  return offsetMs === 0 ? '0' : formatSpanTime(offsetMs);
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}

const UNITS = [
  { name: 'd', ms: 86_400_000 },
  { name: 'h', ms: 3_600_000 },
  { name: 'm', ms: 60_000 },
  { name: 's', ms: 1_000 },
] as const;

/** A duration in one or two units, as people say it: `3 s`, `4 m 10 s`, `2 h 5 m`. Under a second: `240 ms`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1_000) return `${Math.max(0, Math.round(durationMs))} ms`;
  const first = UNITS.findIndex(({ ms }) => durationMs >= ms);
  const large = UNITS[first];
  if (!large) return '0 s';
  const count = Math.floor(durationMs / large.ms);
  const small = UNITS[first + 1];
  const rest = small ? Math.floor((durationMs % large.ms) / small.ms) : 0;
  return rest > 0 && small && count < 10
    ? `${count} ${large.name} ${rest} ${small.name}`
    : `${count} ${large.name}`;
}

/** How long ago something was; what lies ahead by a clock's error counts as now. */
export function formatAge(atMs: number, nowMs: number): string {
  const ageMs = nowMs - atMs;
  return ageMs < 1_000 ? 'now' : formatDuration(ageMs);
}

/** A span of time as exactly as it deserves: `< 1 ms`, `640 µs`, `12.4 ms`, `1.52 s`, then as `formatDuration`. */
export function formatSpanTime(durationMs: number): string {
  if (durationMs === 0) return '< 1 ms';
  if (durationMs < 1) return `${Math.round(durationMs * 1_000)} µs`;
  if (durationMs < 1_000) return `${trimmed(durationMs, durationMs < 100 ? 1 : 0)} ms`;
  if (durationMs < 60_000) return `${trimmed(durationMs / 1_000, 2)} s`;
  return formatDuration(durationMs);
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}

import { z } from 'zod';

const UNITS_MS = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
} as const;
const FORM = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;
const UNIT_ORDER = ['y', 'w', 'd', 'h', 'm', 's', 'ms'] as const;

/**
 * A Prometheus duration (`1h30m`, `500ms`, `0`) in milliseconds, or null for what is none. Units come from
 * large to small, each at most once.
 */
export function parseDuration(text: string): number | null {
  if (text === '0') return 0;
  const match = FORM.exec(text);
  if (!match || text === '') return null;
  let totalMs = 0;
  UNIT_ORDER.forEach((unit, place) => {
    totalMs += Number(match[place + 1] ?? 0) * UNITS_MS[unit];
  });
  return totalMs;
}

/** The shortest Prometheus form of a duration in ms: 90000 → `1m30s`. Years and weeks only when they fit exactly. */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return '0s';
  let restMs = Math.round(durationMs);
  let text = '';
  for (const unit of UNIT_ORDER) {
    const unitMs = UNITS_MS[unit];
    if ((unit === 'y' || unit === 'w') && restMs % unitMs !== 0) continue;
    const count = Math.floor(restMs / unitMs);
    if (count > 0) text += `${count}${unit}`;
    restMs -= count * unitMs;
  }
  return text;
}

/** A time as people read it: `340ms`, `4.51s` below ten seconds, then in whole seconds as `formatDuration`: `1m12s`. */
export function formatTime(durationMs: number): string {
  const ms = Math.max(0, Math.round(durationMs));
  if (ms < 1_000 || ms % 1_000 === 0) return formatDuration(ms);
  if (ms < 10_000) return `${Math.floor(ms / 10) / 100}s`;
  return formatDuration(Math.floor(ms / 1_000) * 1_000);
}

/** How long something took, for a sentence that people read: `850 ms`, `2.1 s`, `1m5s`. */
export function formatElapsed(durationMs: number): string {
  const ms = Math.max(0, Math.round(durationMs));
  if (ms < 1_000) return `${ms} ms`;
  return ms < 60_000 ? `${(Math.floor(ms / 100) / 10).toFixed(1)} s` : formatTime(ms);
}

/** What fits Go's nanoseconds in 64 bits, some 292 years: the most that Prometheus takes, and a time that far can be told. */
export const MAX_DURATION_MS = 2 ** 63 / 1e6;

/** A Prometheus duration in a file that people write, read as milliseconds. */
export const durationText = z.string().transform((text, context) => {
  const durationMs = parseDuration(text);
  if (durationMs !== null && durationMs < MAX_DURATION_MS) return durationMs;
  const message =
    durationMs === null
      ? `"${text}" is no duration; write 90s, 5m, 1h30m, 30d`
      : `"${text}" is out of range; at most 292y`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

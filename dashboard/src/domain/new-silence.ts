import { faultOfMatchers, typedAlternatives } from './typed-matchers.ts';

type Labels = Readonly<Record<string, string>>;

/** What a silence is made for. */
export type SilenceSubject =
  | { readonly kind: 'matchers'; readonly matchers: readonly string[] }
  /** Alerts, each by all of its labels. */
  | { readonly kind: 'alerts'; readonly alerts: readonly { readonly id: string; readonly labels: Labels }[] };

/** So many alerts are silenced at once: a silence has no more alternatives. */
export const maxSilencedAlerts = 100;

/**
 * How several alerts are silenced at once: each by its labels or, where they are too many for one silence, by what all have in
 * common. Null where that is nothing.
 */
export function subjectOfMany(
  alerts: readonly { readonly id: string; readonly labels: Labels }[],
): SilenceSubject | null {
  if (alerts.length <= maxSilencedAlerts) return { kind: 'alerts', alerts };
  const [first, ...others] = alerts;
  const common = Object.entries(first?.labels ?? {}).filter(([name, value]) =>
    others.every(({ labels }) => labels[name] === value),
  );
  return common.length === 0 ? null : { kind: 'matchers', matchers: matchersOf(Object.fromEntries(common)) };
}

/** What somebody typed. */
export interface TypedSilence {
  /** One a line; a line `or` begins other ones. */
  readonly matchers: string;
  readonly duration: string;
  readonly comment: string;
  readonly untilResolved: boolean;
}

export type SilenceFaults = Partial<Record<'matchers' | 'duration' | 'comment', string>>;

/** As the server is asked for it. */
export interface SilenceOrder {
  readonly alert_id?: string;
  readonly matchers?: readonly string[];
  readonly matcher_sets?: readonly (readonly string[])[];
  readonly duration_ms: number;
  readonly comment: string;
  readonly until_resolved: boolean;
}

export const SILENCE_DURATIONS = ['30m', '1h', '4h', '12h', '1d', '1w'] as const;
const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
const maxDurationMs = 366 * UNIT_MS.d;

/** What is written for the matchers at first. */
export function initialMatchers(subject: SilenceSubject): string {
  if (subject.kind === 'matchers') return subject.matchers.join('\n');
  const [only, ...others] = subject.alerts;
  return only === undefined || others.length > 0 ? '' : matchersOf(only.labels).join('\n');
}

/** The matchers that accept what has all these labels. */
function matchersOf(labels: Labels): readonly string[] {
  return Object.entries(labels).map(([name, value]) => `${quotedName(name)}=${JSON.stringify(value)}`);
}

function quotedName(name: string): string {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : JSON.stringify(name);
}

/** Reads what was typed; what is wrong is told by field. */
export function readTypedSilence(
  typed: TypedSilence,
  subject: SilenceSubject,
): { readonly order: SilenceOrder } | { readonly faults: SilenceFaults } {
  const durationMs = parseDuration(typed.duration);
  const comment = typed.comment.trim();
  const fault = isTyped(subject) ? faultOfMatchers(typed.matchers) : null;
  const faults: SilenceFaults = {
    ...(fault === null ? {} : { matchers: fault }),
    ...(durationMs === null ? { duration: 'Write how long, such as 30m, 4h or 2d.' } : {}),
    ...(comment === '' ? { comment: 'Say why, for those who wonder.' } : {}),
  };
  if (fault !== null || durationMs === null || comment === '') return { faults };
  const target = targetOf(typed.matchers, subject);
  return { order: { ...target, duration_ms: durationMs, comment, until_resolved: typed.untilResolved } };
}

/** Whether its matchers are typed: several alerts are silenced each by its labels. */
export function isTyped(subject: SilenceSubject): boolean {
  return subject.kind === 'matchers' || subject.alerts.length < 2;
}

function targetOf(
  typed: string,
  subject: SilenceSubject,
): Pick<SilenceOrder, 'alert_id' | 'matchers' | 'matcher_sets'> {
  if (subject.kind === 'alerts') {
    const [only, ...others] = subject.alerts;
    if (others.length > 0) return { matcher_sets: subject.alerts.map(({ labels }) => matchersOf(labels)) };
    if (only !== undefined && typed === initialMatchers(subject)) return { alert_id: only.id };
  }
  const [matchers = [], ...alternatives] = typedAlternatives(typed);
  return alternatives.length === 0 ? { matchers } : { matcher_sets: [matchers, ...alternatives] };
}

/** `1h30m` in ms; null for what is no time, or more than a year. */
export function parseDuration(text: string): number | null {
  const parts = /^(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m)?$/.exec(text.trim())?.[0].match(/\d+[wdhm]/g) ?? [];
  const ms = parts.reduce((sum, part) => {
    // The pattern has no other letters.
    const unit = part.at(-1) as keyof typeof UNIT_MS;
    return sum + Number(part.slice(0, -1)) * UNIT_MS[unit];
  }, 0);
  return ms > 0 && ms <= maxDurationMs ? ms : null;
}

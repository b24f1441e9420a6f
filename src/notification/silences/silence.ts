import { type Labels, matchesAll, type Matcher, type SilenceEndCause } from '#telemetry';

/**
 * Within its time nobody is told of the alerts that one of its matcher sets accepts. Times: wall ms.
 */
export interface Silence {
  /** A UUID, as Alertmanager's clients want it. */
  readonly id: string;
  /** Alternatives, of each of which all matchers have to match. */
  readonly matcherSets: readonly MatcherSet[];
  readonly startsAtMs: number;
  /** Once it has ended: when it did. */
  readonly endsAtMs: number;
  /** Who it is from, as its author says. */
  readonly createdBy: string;
  /** The person or token that asked for it. */
  readonly setBy: string;
  readonly comment: string;
  readonly annotations: Labels;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** Whether it ends with the alerts that it silences, before its time is over. */
  readonly untilResolved: boolean;
  /** How long before its end that is told; null: not at all. */
  readonly warnBeforeMs: number | null;
  /** When that was told; null before. */
  readonly warnedAtMs: number | null;
  /** The alert from which it was made; null where it was made from matchers. */
  readonly alertId: string | null;
  readonly end: SilenceEnd | null;
}

export type MatcherSet = readonly Matcher[];

/** Why it ended. */
export interface SilenceEnd {
  readonly cause: SilenceEndCause;
  /** The person or token; null where it ended by itself. */
  readonly by: string | null;
  /** The silence that took its place. */
  readonly replacedBy: string | null;
}

export const SILENCE_STATES = ['active', 'pending', 'expired'] as const;

export type SilenceState = (typeof SILENCE_STATES)[number];

export function silenceStateAt(
  { startsAtMs, endsAtMs, end }: Pick<Silence, 'startsAtMs' | 'endsAtMs' | 'end'>,
  wallMs: number,
): SilenceState {
  if (end !== null || wallMs >= endsAtMs) return 'expired';
  return wallMs < startsAtMs ? 'pending' : 'active';
}

/** Whether it is meant for alerts of that label set, whatever its time. */
export function coversLabels({ matcherSets }: Pick<Silence, 'matcherSets'>, labels: Labels): boolean {
  return matcherSets.some((matchers) => matchesAll(matchers, labels));
}

/** Compiles its regular expressions, each as it is asked first, with a pause offered after each. Throws what is wrong with one. */
export function* compiling({ matcherSets }: Pick<Silence, 'matcherSets'>): Generator<void, void> {
  for (const matcher of matcherSets.flat()) {
    matcher.matches('');
    yield;
  }
}

/** When its warning is due; null where there is none, or it was told. */
export function warningDueMs({ endsAtMs, warnBeforeMs, warnedAtMs }: Silence): number | null {
  return warnBeforeMs === null || warnedAtMs !== null ? null : endsAtMs - warnBeforeMs;
}

/**
 * Alertmanager's order of a list: active ones, the next to end first; pending ones, the next to begin first; ended ones, the
 * last to end first.
 */
export function compareSilences(wallMs: number): (a: Silence, b: Silence) => number {
  return (a, b) => {
    const state = silenceStateAt(a, wallMs);
    const other = silenceStateAt(b, wallMs);
    if (state !== other) return SILENCE_STATES.indexOf(state) - SILENCE_STATES.indexOf(other);
    if (state === 'pending') return a.startsAtMs - b.startsAtMs;
    return state === 'active' ? a.endsAtMs - b.endsAtMs : b.endsAtMs - a.endsAtMs;
  };
}

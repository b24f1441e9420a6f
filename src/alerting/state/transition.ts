import type { ResolutionCause } from '#telemetry';

/** Where one label set of an alerting rule stands. One that is nowhere is inactive. Times: evaluation time, ms. */
export type Phase =
  /** The condition holds, but not yet for `for`. */
  | { readonly kind: 'pending'; readonly activeAtMs: number }
  | { readonly kind: 'firing'; readonly activeAtMs: number }
  /** Still firing: the condition has not held since `missedSinceMs`, for less than it takes to resolve. */
  | {
      readonly kind: 'keep_firing';
      readonly activeAtMs: number;
      readonly missedSinceMs: number;
      /** Since when it has been seen to be false all along; null: there was nothing to see. */
      readonly falseSinceMs: number | null;
    }
  /** Resolved by a person while the condition held: silent until it has been false once. */
  | { readonly kind: 'dismissed'; readonly activeAtMs: number };

/** What an evaluation saw of one label set. */
export type Observation =
  | { readonly kind: 'holds' }
  /** The condition is false: its left side has an element, or (`data_vanished`) has none any more. */
  | { readonly kind: 'misses'; readonly cause: 'recovered' | 'data_vanished' }
  /** The rule can't be evaluated since `sinceMs`. */
  | { readonly kind: 'unknown'; readonly sinceMs: number };

/** The causes that an evaluation can give; the others are somebody's doing. */
export type EvaluatedCause = Exclude<ResolutionCause, 'remediated' | 'manual'>;

export interface TransitionTimes {
  readonly nowMs: number;
  readonly forMs: number;
  readonly keepFiringForMs: number;
  /** How long a condition has to stay false before the alert resolves. */
  readonly resolveStabilityMs: number;
  /** How long a rule may fail before its alerts resolve with the cause `evaluation_failed`. */
  readonly failedRuleResolveMs: number;
}

export interface Transition {
  /** Null: inactive. */
  readonly next: Phase | null;
  readonly event:
    | { readonly kind: 'fired' }
    | { readonly kind: 'resolved'; readonly cause: EvaluatedCause }
    | null;
  /** When time alone will change the phase; null where only another observation can. */
  readonly wakeAtMs: number | null;
}

const stay = (next: Phase | null, wakeAtMs: number | null = null): Transition => ({
  next,
  event: null,
  wakeAtMs,
});

const resolve = (cause: EvaluatedCause): Transition => ({
  next: null,
  event: { kind: 'resolved', cause },
  wakeAtMs: null,
});

/** The next phase of one label set, and the event that makes it known. Pure. */
export function transition(
  phase: Phase | null,
  observation: Observation,
  times: TransitionTimes,
): Transition {
  switch (observation.kind) {
    case 'holds':
      return onHolds(phase, times);
    case 'misses':
      return onMisses(phase, observation.cause, times);
    case 'unknown':
      return onUnknown(phase, observation.sinceMs, times);
  }
}

function onHolds(phase: Phase | null, times: TransitionTimes): Transition {
  const from = phase ?? { kind: 'pending', activeAtMs: times.nowMs };
  switch (from.kind) {
    case 'pending': {
      const dueMs = from.activeAtMs + times.forMs;
      if (times.nowMs < dueMs) return stay(from, dueMs);
      return {
        next: { kind: 'firing', activeAtMs: from.activeAtMs },
        event: { kind: 'fired' },
        wakeAtMs: null,
      };
    }
    case 'keep_firing':
      return stay({ kind: 'firing', activeAtMs: from.activeAtMs });
    case 'firing':
    case 'dismissed':
      return stay(from);
  }
}

function onMisses(
  phase: Phase | null,
  cause: 'recovered' | 'data_vanished',
  times: TransitionTimes,
): Transition {
  switch (phase?.kind) {
    case undefined:
    case 'pending':
    case 'dismissed':
      return stay(null);
    case 'firing':
    case 'keep_firing': {
      const before = phase.kind === 'keep_firing' ? phase : null;
      const missedSinceMs = before?.missedSinceMs ?? times.nowMs;
      // What has vanished is not seen to be false: a recovery needs all of the stability after it has come back.
      const falseSinceMs = cause === 'recovered' ? (before?.falseSinceMs ?? times.nowMs) : null;
      const dueMs = Math.max(
        missedSinceMs + times.keepFiringForMs,
        (falseSinceMs ?? missedSinceMs) + times.resolveStabilityMs,
      );
      if (times.nowMs >= dueMs) return resolve(cause);
      return stay({ kind: 'keep_firing', activeAtMs: phase.activeAtMs, missedSinceMs, falseSinceMs }, dueMs);
    }
  }
}

/** The phase where the data was not there at a time at which that says nothing. */
export function unseen(phase: Phase): Phase {
  return phase.kind === 'keep_firing' ? { ...phase, falseSinceMs: null } : phase;
}

/** The phase after a time in which nothing was seen, however long it was by the clock. */
export function postponed(phase: Phase, byMs: number): Phase {
  switch (phase.kind) {
    case 'pending':
      return { ...phase, activeAtMs: phase.activeAtMs + byMs };
    case 'keep_firing':
      return {
        ...phase,
        missedSinceMs: phase.missedSinceMs + byMs,
        falseSinceMs: phase.falseSinceMs === null ? null : phase.falseSinceMs + byMs,
      };
    case 'firing':
    case 'dismissed':
      return phase;
  }
}

function onUnknown(phase: Phase | null, sinceMs: number, times: TransitionTimes): Transition {
  if (phase === null || phase.kind === 'pending' || phase.kind === 'dismissed') return stay(phase);
  const dueMs = sinceMs + times.failedRuleResolveMs;
  // What was kept firing was not seen to be false all along: it has to be seen so from the start.
  if (times.nowMs < dueMs) return stay({ kind: 'firing', activeAtMs: phase.activeAtMs }, dueMs);
  return resolve('evaluation_failed');
}

import type { AppendOrigin, Clock } from '#telemetry';

/** One evaluation of a rule as it goes. Times: wall ms, `timeMs` evaluation time. */
export interface EvaluationMoment {
  readonly timeMs: number;
  readonly startedAtMs: number;
  /** Whether the group's interval asked: then unchanged series are written too. */
  readonly repeat: boolean;
  /** When the append arrived that made the rule dirty; null where time alone did. */
  readonly receivedAtMs: number | null;
}

/** When something is written, and for whom. */
export interface WriteMoment {
  readonly timeMs: number;
  readonly origin: AppendOrigin;
  /** Whether unchanged series are written too. */
  readonly repeat: boolean;
}

/** What an evaluation writes is the rule's own, and dated by it. */
export function writeMomentOf({ timeMs, startedAtMs, repeat }: EvaluationMoment, clock: Clock): WriteMoment {
  const receivedMonotonicMs = clock.monotonicMs();
  const origin = {
    source: 'rule',
    traceparent: null,
    receivedAtMs: startedAtMs,
    receivedMonotonicMs,
  } as const;
  return { timeMs, repeat, origin };
}

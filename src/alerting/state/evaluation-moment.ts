/** One evaluation of a rule as it goes. Times: wall ms, `timeMs` evaluation time. */
export interface EvaluationMoment {
  readonly timeMs: number;
  readonly startedAtMs: number;
  /** Whether the group's interval asked: then unchanged series are written too. */
  readonly repeat: boolean;
  /** When the append arrived that made the rule dirty; null where time alone did. */
  readonly receivedAtMs: number | null;
}

/** When an anomaly begins and when it has ended. */
export interface GateLimits {
  /** A score of this or more is high. */
  readonly openScore: number;
  /** A score below this is calm; between the two an open anomaly stays open. */
  readonly closeScore: number;
  /** So many high judgements in a row open an anomaly. */
  readonly judgementsToOpen: number;
  /** The score has to stay calm for this long before the anomaly closes. */
  readonly closeStabilityMs: number;
}

export const DEFAULT_GATE_LIMITS: GateLimits = {
  openScore: 4,
  closeScore: 2,
  judgementsToOpen: 3,
  closeStabilityMs: 5000,
};

/** The present of one series: calm, suspected for some judgements, or in an anomaly. */
export type GateState =
  | { readonly phase: 'calm' }
  | { readonly phase: 'suspect'; readonly highJudgements: number }
  | { readonly phase: 'open'; readonly peakScore: number; readonly calmSinceMs: number | null };

export const CALM: GateState = { phase: 'calm' };

/** What follows from one more judgement; `score` is a magnitude, `nowMs` monotonic. */
export function judge(
  state: GateState,
  { score, nowMs }: { readonly score: number; readonly nowMs: number },
  limits: GateLimits,
): GateState {
  if (state.phase === 'open') {
    const peakScore = Math.max(state.peakScore, score);
    if (score >= limits.closeScore) {
      return peakScore === state.peakScore && state.calmSinceMs === null
        ? state
        : { phase: 'open', peakScore, calmSinceMs: null };
    }
    const calmSinceMs = state.calmSinceMs ?? nowMs;
    if (nowMs - calmSinceMs >= limits.closeStabilityMs) return CALM;
    return { phase: 'open', peakScore, calmSinceMs };
  }
  if (score < limits.openScore) return CALM;
  const highJudgements = state.phase === 'suspect' ? state.highJudgements + 1 : 1;
  return highJudgements >= limits.judgementsToOpen
    ? { phase: 'open', peakScore: score, calmSinceMs: null }
    : { phase: 'suspect', highJudgements };
}

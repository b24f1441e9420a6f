import type { FleetHealth } from '../ports.ts';

export interface StormLimits {
  /** Share of the fleet that is sick from which on a storm is assumed. */
  readonly enterShare: number;
  /** Share below which it may end. */
  readonly leaveShare: number;
  /** Fewer sick agents than this are no storm, whatever their share. */
  readonly minSick: number;
  /** How long the share must have stayed low before the storm is over. */
  readonly calmMs: number;
}

export const DEFAULT_STORM_LIMITS: StormLimits = {
  enterShare: 0.5,
  leaveShare: 0.2,
  minSick: 3,
  calmMs: 30_000,
};

export interface StormState {
  readonly active: boolean;
  readonly reason: string;
  /** Since when the share has been low, monotonic ms; null while it is not. */
  readonly calmSinceMs: number | null;
}

export const NO_STORM: StormState = { active: false, reason: '', calmSinceMs: null };

/**
 * When much of a fleet looks sick at once, the cause is rarely in the agents: a storm stops all repairs. It ends
 * only after health has been back for a while.
 */
export function judgeStorm(
  state: StormState,
  health: FleetHealth,
  now: { ms: number; limits: StormLimits },
): StormState {
  const { limits, ms } = now;
  const share = health.agents === 0 ? 0 : health.sick / health.agents;
  if (!state.active) {
    if (health.sick < limits.minSick || share < limits.enterShare)
      return state.calmSinceMs === null ? state : NO_STORM;
    return {
      active: true,
      reason: `${health.sick} of ${health.agents} agents are sick at once`,
      calmSinceMs: null,
    };
  }
  if (share > limits.leaveShare) return state.calmSinceMs === null ? state : { ...state, calmSinceMs: null };
  const calmSinceMs = state.calmSinceMs ?? ms;
  return ms - calmSinceMs >= limits.calmMs ? NO_STORM : { ...state, calmSinceMs };
}

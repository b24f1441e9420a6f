import type { Guard, PolicyMode } from '#telemetry';
import type { Scenario } from './scenarios.ts';

/** Runs in which a guard is needed, and the invariant that does not hold without it. */
export interface Need {
  readonly mischief: Scenario['mischief'];
  readonly mode?: PolicyMode;
  /** The seed that is tried first: it has shown the need. */
  readonly seed: number;
  readonly steps: number;
  readonly breaks: string;
}

/** What each guard is for. */
export const NEEDS: Readonly<Record<Guard, Need>> = {
  paused: {
    mischief: { nothing: 10, agent_crashes: 5, operator_pauses: 3, operator_resumes: 1 },
    seed: 1,
    steps: 40,
    breaks: 'nothingIsDoneWhilePaused',
  },
  observe: {
    mischief: { nothing: 10, agent_crashes: 5 },
    mode: 'observe',
    seed: 1,
    steps: 20,
    breaks: 'whoOnlyObservesDoesNothing',
  },
  not_managed: {
    mischief: { nothing: 20, stranger_crashes: 4 },
    seed: 1,
    steps: 60,
    breaks: 'nobodyActsOnWhatIsNotManaged',
  },
  not_authorized: {
    mischief: { nothing: 20, stranger_gossips: 3 },
    seed: 1,
    steps: 40,
    breaks: 'nobodyActsOnGossip',
  },
  maintenance: {
    mischief: { nothing: 10, agent_crashes: 5, operator_maintains: 4 },
    seed: 1,
    steps: 60,
    breaks: 'maintenanceIsLeftAlone',
  },
  self_suspicion: {
    mischief: { nothing: 15, agent_is_cut_off: 4, server_stalls: 0.5 },
    seed: 1,
    steps: 80,
    breaks: 'whoWasBlindWaitsBeforeItActs',
  },
  storm: {
    mischief: { nothing: 40, network_splits: 1, server_stalls: 1 },
    seed: 23,
    steps: 240,
    breaks: 'aStormStopsRepairs',
  },
  one_per_target: {
    // A pool contains its agents: one that grows, and one of them that is repaired.
    mischief: { nothing: 6, agent_hangs: 1, agent_crashes: 3, tasks_flood: 4 },
    seed: 6,
    steps: 120,
    breaks: 'oneRemediationATarget',
  },
  cooldown: {
    mischief: { nothing: 10, agent_crashes: 6 },
    seed: 1,
    steps: 60,
    breaks: 'aCooldownIsWaitedFor',
  },
  max_parallel: {
    mischief: { nothing: 10, agent_is_cut_off: 5, operator_resumes: 3 },
    seed: 1,
    steps: 100,
    breaks: 'noMoreAreRepairedAtOnceThanMay',
  },
  start_budget: {
    mischief: { nothing: 10, agent_is_cut_off: 4, operator_resumes: 4 },
    seed: 1,
    steps: 200,
    breaks: 'noMoreStartsThanMay',
  },
  repair_rate: {
    mischief: { nothing: 20, dependency_is_away: 2 },
    seed: 1,
    steps: 40,
    breaks: 'repairsOfTheCertainAreSpread',
  },
  target_withdrawn: {
    mischief: {
      nothing: 5,
      agent_is_cut_off: 6,
      operator_pauses: 4,
      operator_quarantines_the_ill: 8,
      operator_resumes: 8,
    },
    seed: 1,
    steps: 100,
    breaks: 'whoIsOutOfServiceIsLeftAlone',
  },
  target_healthy: {
    mischief: { nothing: 5, agent_is_cut_off: 6, operator_pauses: 4, operator_resumes: 8 },
    seed: 3,
    steps: 120,
    breaks: 'onlyTheIllAreActedUpon',
  },
  new_generation: {
    mischief: {
      nothing: 5,
      agent_is_cut_off: 6,
      operator_pauses: 4,
      operator_restarts_the_ill: 8,
      operator_resumes: 8,
    },
    seed: 1,
    steps: 120,
    breaks: 'whatOthersHaveStartedGetsItsTime',
  },
  work_in_flight: {
    mischief: { nothing: 10, tasks_come: 10, beats_are_lost: 2 },
    seed: 2,
    steps: 80,
    breaks: 'workThatGoesOnIsNotInterrupted',
  },
};

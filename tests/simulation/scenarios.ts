import type { Guard, PolicyMode } from '#telemetry';
import type { Mischief } from './mischief.ts';

type Weights = Readonly<Partial<Record<Mischief, number>>>;

/** What a run is about: how likely each mischief is at a step, against the others. */
export interface Scenario {
  readonly name: string;
  readonly seed: number;
  readonly steps: number;
  readonly mode: PolicyMode;
  readonly mischief: Weights;
  /** Guards that are switched off: what they are for. */
  readonly without?: readonly Guard[];
  /** As `WorldOptions` have it. */
  readonly fleet?: 'demo';
}

const WORK: Weights = { nothing: 20, tasks_come: 10 };

const AGENTS: Weights = {
  ...WORK,
  agent_hangs: 3,
  agent_crashes: 2,
  agents_hang_together: 0.3,
  agents_crash_together: 0.5,
  agent_is_slow: 1,
  agent_is_cut_off: 2,
  starts_fail: 1,
  network_loses: 1,
  stranger_crashes: 1,
};

const SERVER: Weights = {
  ...WORK,
  agent_hangs: 2,
  agent_crashes: 1,
  stranger_crashes: 1,
  server_is_killed: 1,
  server_dies_in_transaction: 3,
  server_is_stopped: 1,
};

const DISK: Weights = {
  ...WORK,
  agent_hangs: 2,
  agent_crashes: 1,
  disk_fails: 2,
  disk_is_full: 2,
  server_stalls: 2,
};

const PEOPLE: Weights = {
  ...WORK,
  tasks_flood: 1,
  agent_hangs: 1,
  agent_crashes: 1,
  task_is_cancelled: 1,
  lock_is_broken: 1,
  operator_pauses: 1,
  operator_resumes: 2,
  operator_decides: 3,
  operator_quarantines: 1,
  operator_restarts: 1,
  operator_scales: 1,
  operator_handles_alert: 1,
  broken_rules_are_loaded: 1,
  broken_policy_is_loaded: 1,
  wall_clock_steps: 1,
};

/** Repairs that do not last, of agents that end again and again, by clocks that nobody can rely on. */
const CLOCKS: Weights = {
  ...WORK,
  agent_crashes: 2,
  agent_hangs: 1,
  program_breaks: 0.4,
  wall_clock_leaps: 1,
  wall_clock_steps: 1,
};

/** Little work, so that floods stand out, and nobody who scales by hand. */
const FLOODS: Weights = { nothing: 30, tasks_come: 3, tasks_flood: 1, agent_hangs: 1, server_is_killed: 0.5 };

/** What ends, and how: of itself, again and again, all at once, for a task, on purpose. */
const ENDS: Weights = {
  ...WORK,
  agent_hangs: 1,
  agent_crashes: 1,
  agents_crash_together: 0.5,
  program_breaks: 0.4,
  dependency_is_away: 0.4,
  machine_reboots: 0.2,
  pids_are_given_again: 1,
  one_shot_runs: 1,
  operator_dismisses: 1,
  poison_comes: 0.3,
  operator_restarts: 1,
  server_is_killed: 0.3,
};

/** Who is not heard, though nothing is wrong with it. */
const SILENCE: Weights = {
  ...WORK,
  agent_is_cut_off: 6,
  agent_crashes: 0.5,
  beats_are_lost: 2,
  network_splits: 0.5,
  server_stalls: 0.5,
  disk_fails: 0.5,
  operator_quarantines: 0.5,
  operator_restarts: 1,
};

/** Definitions change while agents, servers and people do what they do. */
const RELEASES: Weights = {
  ...WORK,
  agent_hangs: 2,
  agent_crashes: 2,
  starts_fail: 0.5,
  server_is_killed: 1,
  operator_redefines: 3,
  operator_maintains: 1,
  operator_ends_maintenance: 0.5,
  operator_restarts: 1,
  operator_scales: 1,
  wall_clock_steps: 1,
};

/** What strangers say of agents that are ill now and then, and of agents that are not. */
const HEARSAY: Weights = {
  ...WORK,
  stranger_gossips: 2,
  agent_crashes: 1,
  agent_is_cut_off: 1,
  operator_quarantines_the_ill: 1,
  operator_restarts_the_ill: 1,
  operator_decides: 2,
  server_is_killed: 0.3,
};

/** Commands that fail are taken off the list, while the disk and the server come and go. */
const DEPARTURES: Weights = {
  nothing: 6,
  one_shot_runs: 5,
  operator_dismisses: 5,
  server_dies_in_transaction: 4,
  server_is_killed: 1,
  disk_fails: 1,
};

/** Nothing is wrong with anybody, on a machine that others use. */
export const BUSY: Weights = { nothing: 100, host_is_busy: 3, process_pauses: 5 };

const EVERYTHING: Weights = {
  ...ENDS,
  ...SILENCE,
  ...HEARSAY,
  ...AGENTS,
  ...SERVER,
  ...DISK,
  ...PEOPLE,
};

/** All of it while definitions change, commands come and go, and the wall clock is set by hours over reboots. */
const UPHEAVAL: Weights = {
  ...DEPARTURES,
  ...EVERYTHING,
  nothing: 20,
  one_shot_runs: 1,
  operator_dismisses: 1,
  disk_fails: 0.7,
  server_dies_in_transaction: 2,
  operator_redefines: 2,
  operator_maintains: 1,
  operator_ends_maintenance: 0.5,
  wall_clock_leaps: 0.5,
  // What is sent by a clock that was set back is another matter.
  stranger_gossips: 0,
};

export const WEIGHTS = {
  agents: AGENTS,
  server: SERVER,
  disk: DISK,
  people: PEOPLE,
  floods: FLOODS,
  ends: ENDS,
  clocks: CLOCKS,
  silence: SILENCE,
  releases: RELEASES,
  hearsay: HEARSAY,
  departures: DEPARTURES,
  busy: { ...WORK, ...AGENTS, host_is_busy: 2, process_pauses: 3 },
  everything: EVERYTHING,
  upheaval: UPHEAVAL,
} as const satisfies Readonly<Record<string, Weights>>;

import type { Guard } from '#telemetry';

/** What ends a guard's hold. */
export interface GuardRelief {
  /** What it waits for; where that is a time, the suppression says when. */
  readonly lifts: string;
  /** What a person can do about it, as it goes on behind `you can`; null where there is only waiting. */
  readonly person: string | null;
}

const RESUME = 'omoi resume, or the button in mission control';

/** For each guard how it lifts. No guard waits for what it forbids. */
export const GUARD_RELIEF: Readonly<Record<Guard, GuardRelief>> = {
  paused: { lifts: 'when somebody resumes', person: `have the watchdog go on: ${RESUME}` },
  observe: {
    lifts: 'when the mode of its policy changes',
    person: 'set the policy to act or approve, and reload',
  },
  not_managed: {
    lifts: 'when Omoi runs the agent',
    person: 'restart it where it was started; run it in a pool to have it repaired',
  },
  not_authorized: {
    lifts: 'when the alert rests on the word of somebody who may speak for the target',
    person: 'give the sender’s token speaks_for, or have the policy ask (mode approve)',
  },
  maintenance: {
    lifts: 'when the maintenance ends: by itself at its time, or by a person',
    person: 'end it: omoi maintenance list, then end, or the button in mission control',
  },
  self_suspicion: { lifts: 'when agents had time to be heard', person: null },
  storm: {
    lifts: 'when agents are heard again, when nobody more falls silent, or when somebody resumes',
    person: `look at what they share (network, host, dependency); end the storm: ${RESUME}`,
  },
  one_per_target: { lifts: 'when the other remediation ends', person: null },
  cooldown: { lifts: 'when the cooldown is over', person: 'restart it by hand where that cannot wait' },
  max_parallel: { lifts: 'when another remediation of its policy ends', person: null },
  start_budget: { lifts: 'when the oldest start leaves the window', person: null },
  repair_rate: { lifts: 'when the failure domain has a token again', person: null },
  target_withdrawn: {
    lifts: 'when the status of the agent changes, or another generation of it starts',
    person: 'release it from quarantine, start it again, or make its pool larger',
  },
  target_healthy: { lifts: 'when the agent changes its status', person: null },
  new_generation: { lifts: 'when the new generation has registered, or had its time', person: null },
  work_in_flight: { lifts: 'when its work has not been seen for a heartbeat TTL', person: null },
};

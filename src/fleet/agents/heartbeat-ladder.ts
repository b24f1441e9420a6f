import { STALL_REASONS, type AgentStatus, type StallReason } from '#telemetry';
import type { HeartbeatPace } from '../limits.ts';

/** Missed heartbeats at which the ladder's steps lie. */
export const MISSED_UNTIL_WARNING = 1;
const MISSED_UNTIL_DEGRADED = 2;
const MISSED_UNTIL_UNRESPONSIVE = 3;

/**
 * What an agent's processes show of it. `at_work`: it holds work, and they used CPU or made I/O within one TTL.
 * `busy`: they did, but it holds none. `unseen`: it holds work, and its processes have still to be looked at. `traced`: a
 * debugger holds them. Else why it stands still.
 */
export type LifeEvidence = 'at_work' | 'busy' | 'unseen' | 'traced' | StallReason;

/** What is known about the beats of one agent. */
export interface BeatRecord {
  /** The last committed status; IDLE stands for RUNNING too. */
  readonly status: AgentStatus;
  readonly missed: number;
  /** Whether a beat has arrived since the status was taken. */
  readonly beatSince: boolean;
  /** Whether the agent itself says that it is DEGRADED. */
  readonly selfDegraded: boolean;
  /** Whether it has not let go of a task that was taken from it. */
  readonly clings: boolean;
  /** null where nobody looked at its processes, or not for long enough. */
  readonly evidence: LifeEvidence | null;
  /** Whether the evidence came with its beats: somebody else beats for the processes. */
  readonly evidenceTold: boolean;
  /** Whether its process is known not to have been started. */
  readonly couldNotStart: boolean;
}

export interface LadderStep {
  readonly to: 'IDLE' | 'DEGRADED' | 'STALLED' | 'UNRESPONSIVE' | 'FAILED';
  readonly reason:
    | 'heartbeats_missed'
    | 'heartbeat_returned'
    | 'reported'
    | 'silent_at_work'
    | 'clings_to_lost_task'
    | 'not_started'
    | 'traced'
    | StallReason;
}

/**
 * How an agent beats: as it asked for at its registration. Where it named only one of interval and TTL, the other one
 * goes with it as it does in the usual pace of its type.
 */
export function paceOf(
  asked: { readonly heartbeat_interval_ms: number | null; readonly heartbeat_ttl_ms: number | null },
  usual: HeartbeatPace,
): HeartbeatPace {
  const { heartbeat_interval_ms: interval, heartbeat_ttl_ms: ttl } = asked;
  const intervalsOfTtl = usual.ttlMs / usual.intervalMs;
  return {
    intervalMs: interval ?? (ttl === null ? usual.intervalMs : Math.floor(ttl / intervalsOfTtl)),
    ttlMs: ttl ?? (interval === null ? usual.ttlMs : Math.ceil(interval * intervalsOfTtl)),
  };
}

/** How many heartbeats an age amounts to: each third of the TTL is one. */
export function missedHeartbeats(ageMs: number, ttlMs: number): number {
  return Math.max(0, Math.floor((ageMs * MISSED_UNTIL_UNRESPONSIVE) / ttlMs));
}

/** After how many ms more an age amounts to one missed heartbeat more. */
export function untilNextMissMs(ageMs: number, ttlMs: number): number {
  return ((missedHeartbeats(ageMs, ttlMs) + 1) * ttlMs) / MISSED_UNTIL_UNRESPONSIVE - ageMs;
}

/**
 * The step that an agent should take on the ladder, or null where it stands right. What its processes show counts once
 * it is silent, or where somebody else beats for them.
 */
export function decideLadderStep(record: BeatRecord): LadderStep | null {
  const { status, beatSince, selfDegraded } = record;
  switch (status) {
    case 'QUARANTINED':
    case 'FAILED':
    case 'TERMINATED':
      return null;
    case 'SPAWNING':
      // Who could not be started is not silent: nobody is there who could be heard.
      if (record.couldNotStart && isSilent(record)) return { to: 'FAILED', reason: 'not_started' };
      return stepOfTheStill(record) ?? (beatSince ? RETURNED : null);
    case 'STALLED':
    case 'UNRESPONSIVE':
      if (isStill(record)) return stepOfTheStill(record);
      if (!beatSince) return null;
      return selfDegraded ? { to: 'DEGRADED', reason: 'heartbeat_returned' } : RETURNED;
    case 'DEGRADED':
      if (isStill(record)) return stepOfTheStill(record);
      if (selfDegraded || record.clings) return null;
      return !beatSince || record.missed >= MISSED_UNTIL_DEGRADED ? null : RETURNED;
    case 'IDLE':
    case 'RUNNING':
      if (isStill(record)) return stepOfTheStill(record);
      if (record.missed >= MISSED_UNTIL_DEGRADED) return { to: 'DEGRADED', reason: 'heartbeats_missed' };
      if (selfDegraded) return { to: 'DEGRADED', reason: 'reported' };
      return record.clings ? { to: 'DEGRADED', reason: 'clings_to_lost_task' } : null;
  }
}

const RETURNED: LadderStep = { to: 'IDLE', reason: 'heartbeat_returned' };

function isSilent({ missed }: BeatRecord): boolean {
  return missed >= MISSED_UNTIL_UNRESPONSIVE;
}

function stallOf({ evidence }: BeatRecord): StallReason | null {
  return STALL_REASONS.find((reason) => reason === evidence) ?? null;
}

/** Whether the beats alone don't say that the agent is well. */
function isStill(record: BeatRecord): boolean {
  return isSilent(record) || (record.evidenceTold && stallOf(record) !== null);
}

/**
 * The step of one that is silent or stalled: what its processes show tells a stall, which is certain, and work that
 * goes on from mere silence, which may be ours.
 */
function stepOfTheStill(record: BeatRecord): LadderStep | null {
  if (!isStill(record)) return null;
  const { status, evidence } = record;
  const stall = stallOf(record);
  if (stall !== null) return status === 'STALLED' ? null : { to: 'STALLED', reason: stall };
  if (evidence === 'unseen') {
    // Not to have looked yet is Omoi's own lateness.
    return status === 'IDLE' || status === 'RUNNING' ? { to: 'DEGRADED', reason: 'heartbeats_missed' } : null;
  }
  if (evidence === 'traced') {
    // Whoever debugs it holds it up: it is neither ill nor lost, and there is nothing to repair.
    return status === 'DEGRADED' || status === 'SPAWNING' ? null : { to: 'DEGRADED', reason: 'traced' };
  }
  if (evidence === 'at_work' && status !== 'SPAWNING') {
    return status === 'DEGRADED' ? null : { to: 'DEGRADED', reason: 'silent_at_work' };
  }
  // A stall holds until something moves again: that nobody looks any more is no news.
  if (status === 'UNRESPONSIVE' || (status === 'STALLED' && evidence === null)) return null;
  return { to: 'UNRESPONSIVE', reason: 'heartbeats_missed' };
}

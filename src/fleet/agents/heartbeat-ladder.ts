import type { AgentStatus } from '#telemetry';
import type { HeartbeatPace } from '../limits.ts';

/** Missed heartbeats at which the ladder's steps lie. */
export const MISSED_UNTIL_WARNING = 1;
const MISSED_UNTIL_DEGRADED = 2;
const MISSED_UNTIL_UNRESPONSIVE = 3;

/** What is known about the beats of one agent. */
export interface BeatRecord {
  /** The last committed status; IDLE stands for RUNNING too. */
  readonly status: AgentStatus;
  readonly missed: number;
  /** Whether a beat has arrived since the status was taken. */
  readonly beatSince: boolean;
  /** Whether the agent itself says that it is DEGRADED. */
  readonly selfDegraded: boolean;
}

export interface LadderStep {
  readonly to: 'IDLE' | 'DEGRADED' | 'UNRESPONSIVE';
  readonly reason: 'heartbeats_missed' | 'heartbeat_returned' | 'reported';
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

/** The step that an agent should take on the ladder, or null where it stands right. */
export function decideLadderStep(record: BeatRecord): LadderStep | null {
  const { status, missed, beatSince, selfDegraded } = record;
  switch (status) {
    case 'QUARANTINED':
    case 'FAILED':
    case 'TERMINATED':
      return null;
    case 'SPAWNING':
      if (missed >= MISSED_UNTIL_UNRESPONSIVE) return { to: 'UNRESPONSIVE', reason: 'heartbeats_missed' };
      return beatSince ? { to: 'IDLE', reason: 'heartbeat_returned' } : null;
    case 'UNRESPONSIVE':
      if (!beatSince || missed >= MISSED_UNTIL_UNRESPONSIVE) return null;
      return { to: selfDegraded ? 'DEGRADED' : 'IDLE', reason: 'heartbeat_returned' };
    case 'DEGRADED':
      if (missed >= MISSED_UNTIL_UNRESPONSIVE) return { to: 'UNRESPONSIVE', reason: 'heartbeats_missed' };
      if (selfDegraded || !beatSince || missed >= MISSED_UNTIL_DEGRADED) return null;
      return { to: 'IDLE', reason: 'heartbeat_returned' };
    case 'IDLE':
    case 'RUNNING':
      if (missed >= MISSED_UNTIL_UNRESPONSIVE) return { to: 'UNRESPONSIVE', reason: 'heartbeats_missed' };
      if (missed >= MISSED_UNTIL_DEGRADED) return { to: 'DEGRADED', reason: 'heartbeats_missed' };
      return selfDegraded ? { to: 'DEGRADED', reason: 'reported' } : null;
  }
}

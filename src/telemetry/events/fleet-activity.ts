import type { Subscription } from '../series/sample.ts';

export const AGENT_STATUSES = [
  'SPAWNING',
  'IDLE',
  'RUNNING',
  'DEGRADED',
  'STALLED',
  'UNRESPONSIVE',
  'QUARANTINED',
  'FAILED',
  'TERMINATED',
] as const;
export type AgentStatus = (typeof AGENT_STATUSES)[number];

/** What the process of a STALLED agent itself shows; it is the `status_reason` of that status. */
export const STALL_REASONS = ['stopped', 'no_progress', 'no_activity'] as const;
export type StallReason = (typeof STALL_REASONS)[number];

/**
 * What a process and all that it started have done since they were looked at before: used CPU, made I/O or started
 * others; nothing; nothing for longer than whoever beats for them allows; they are stopped (SIGSTOP) and can do
 * nothing; or a debugger holds them.
 */
export const PROCESS_ACTIVITIES = ['active', 'idle', 'idle_too_long', 'stopped', 'traced'] as const;
export type ProcessActivity = (typeof PROCESS_ACTIVITIES)[number];

/** What a process and all that it started use. */
export interface ProcessUsage {
  /** CPU time in all, also of what has ended meanwhile; begins anew with another process. */
  readonly cpuSeconds: number;
  /** Resident memory now; pages that several of them share count in each. */
  readonly memoryBytes: number;
}

/** Who beats for an agent that Omoi starts: the program itself, by the SDK or the API, or Omoi, which watches its process. */
export const HEARTBEAT_SOURCES = ['sdk', 'process'] as const;
export type HeartbeatSource = (typeof HEARTBEAT_SOURCES)[number];

export const AGENT_TYPES = ['worker', 'monitor', 'watchdog', 'guardian'] as const;
export type AgentType = (typeof AGENT_TYPES)[number];

/** Whether a process is to end by itself: then its exit code decides how it went; or its every end is a failure. */
export const EXIT_EXPECTATIONS = ['once', 'forever'] as const;
export type ExitExpectation = (typeof EXIT_EXPECTATIONS)[number];

/**
 * Something that happened in the fleet and is committed. Counted things carry their labels; `queue`, `agents` and
 * `locks` only say that the snapshot has changed, `agent` that one agent's part of it has. `traceparent` is the trace
 * of the request that did it.
 */
export type FleetActivity = { readonly traceparent: string | null } & (
  | { readonly kind: 'queue' | 'agents' | 'locks' }
  | { readonly kind: 'agent'; readonly agentId: string }
  | {
      readonly kind: 'task_completed';
      readonly phaseId: string;
      readonly taskType: string;
      readonly agentId: string;
      readonly durationSeconds: number;
    }
  | { readonly kind: 'task_failed'; readonly phaseId: string; readonly agentId: string }
  | {
      readonly kind: 'task_claimed';
      readonly phaseId: string;
      readonly taskType: string;
      readonly waitSeconds: number;
    }
  | { readonly kind: 'agent_restarted'; readonly agentId: string; readonly reason: string }
  | { readonly kind: 'agent_removed'; readonly agentId: string }
  | {
      readonly kind: 'lock_acquired';
      readonly resourceType: string;
      readonly lockMode: string;
      readonly waitSeconds: number;
    }
  | { readonly kind: 'handoff'; readonly fromAgentId: string; readonly toAgentId: string }
);

/** The fleet as it stands now, from memory; cheap enough to be read at every change. */
export interface FleetSnapshot {
  readonly agents: readonly AgentObservation[];
  /** One entry for each phase and priority that was queued since the start; of very many, zero counts do not stay. */
  readonly queue: readonly { readonly phaseId: string; readonly priority: number; readonly queued: number }[];
  /** Tasks that wait for a person, by phase and type; none has a count of zero. */
  readonly parked: readonly {
    readonly phaseId: string;
    readonly taskType: string;
    readonly parked: number;
  }[];
  /** How long the oldest claim has run, for each phase and type of which one runs; computed as it is read. */
  readonly running: Iterable<{
    readonly phaseId: string;
    readonly taskType: string;
    readonly ageSeconds: number;
  }>;
  /**
   * Tasks that wait and that no living agent claims, by phase and type, of several pools one after the other; null while it is
   * not known who claims what. Computed as it is read.
   */
  readonly unserved:
    | readonly { readonly phaseId: string; readonly taskType: string; readonly unserved: number }[]
    | null;
  /** How many agents each pool that Omoi looks after is to have. */
  readonly pools: ReadonlyMap<string, number>;
  readonly locks: readonly {
    readonly resourceType: string;
    readonly lockMode: string;
    readonly active: number;
  }[];
}

export interface AgentObservation {
  readonly agentId: string;
  readonly agentType: AgentType;
  readonly poolId: string | null;
  readonly phaseId: string | null;
  readonly status: AgentStatus;
  readonly generation: number;
  readonly managed: boolean;
  /** By the server's monotonic clock; null before the first beat. */
  readonly heartbeatAgeMs: number | null;
  readonly heartbeatsMissed: number;
  /** The task that was taken from it and that it has not let go of, as far as it says; null where there is none. */
  readonly clingsTo: string | null;
  /** What its processes use; null where nobody has looked at them lately. */
  readonly usage: ProcessUsage | null;
}

/** What a fleet shows to whoever observes it. */
export interface FleetFeed {
  snapshot(): FleetSnapshot;
  /** One agent of the snapshot. */
  agent(agentId: string): AgentObservation | undefined;
  /** Called synchronously after each commit; the listener must not throw. */
  onActivity(listener: (activity: FleetActivity) => void): Subscription;
}

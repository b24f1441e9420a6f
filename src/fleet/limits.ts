import { maxAgentsOfFleet, type AgentType } from '#telemetry';

export interface HeartbeatPace {
  /** How often an agent should beat. */
  readonly intervalMs: number;
  /** After this much silence it is UNRESPONSIVE; each third of it without a beat counts as one missed. */
  readonly ttlMs: number;
}

/** Every limit of the fleet, with its unit. */
export interface FleetLimits {
  /** The TTLs leave a sixth more than three intervals, so that jitter is no missed beat. */
  readonly heartbeats: Readonly<Record<AgentType, HeartbeatPace>>;
  /** A started agent has this long to register before its silence counts, where its pool did not say. */
  readonly spawnGraceMs: number;
  /** How often silence, leases and locks are judged. */
  readonly tickMs: number;
  /** A tick that comes this much late is a stall of Omoi's own: all ages start afresh. */
  readonly maxStallMs: number;
  /** How late the server and the agents of its host come is kept by windows of this length … */
  readonly delayWindowMs: number;
  /** … and lengthens heartbeat TTLs until so many of them have passed without. */
  readonly delayWindows: number;
  /** So many agents of this host, and half of those heard lately, have to come late together: one has its own reasons. */
  readonly minAgentsLate: number;
  /** While the host is behind, a heartbeat TTL is longer by as much, and at most so many times itself. */
  readonly maxTtlFactor: number;
  readonly maxTransitionsPerTick: number;
  /** How often what heartbeats said is written to the database. */
  readonly beatFlushMs: number;
  readonly maxAgents: number;
  /** Agents that one agent token has registered and that have not left. */
  readonly maxAgentsPerToken: number;
  /** How long an ended agent stays in the snapshot. */
  readonly endedAgentShownMs: number;
  readonly endedAgentRetentionMs: number;

  readonly defaultLeaseMs: number;
  readonly maxWaitingClaims: number;
  readonly maxWaitingClaimsPerAgent: number;
  readonly maxQueuedTasks: number;
  /** In which tasks wait at a time. */
  readonly maxQueuedPhases: number;
  readonly maxBatchTasks: number;
  readonly maxPayloadBytes: number;
  /** What a holder may say of how far it is: written with each renewal that says it. */
  readonly maxProgressBytes: number;
  readonly maxErrorLength: number;
  readonly defaultMaxAttempts: number;
  /**
   * Agents of one domain (a pool, or all external ones) that end or hang within this time, when they are most of it, have
   * not done so because of their tasks.
   */
  readonly massLossWindowMs: number;
  /** Losses so soon after Omoi began to listen (a start, a stall) are held against no task. */
  readonly lossTrustMs: number;
  readonly retryBaseMs: number;
  readonly retryMaxMs: number;
  /** How often a task may be handed on before a person queues it again: agents that hand it to each other end. */
  readonly maxHandoffs: number;
  /** How long a task that was handed over waits for the agent it was meant for. */
  readonly handoffKeptMs: number;

  readonly defaultLockTtlMs: number;
  readonly maxWaitingLocks: number;
  readonly maxWaitingLocksPerAgent: number;
  readonly maxLocks: number;
  readonly maxLocksPerAgent: number;
  /** A resource that nobody locked for this long is forgotten. */
  readonly lockResourceRetentionMs: number;

  readonly retentionSweepMs: number;
}

const DAY_MS = 86_400_000;

export const DEFAULT_FLEET_LIMITS: FleetLimits = {
  heartbeats: {
    worker: { intervalMs: 1000, ttlMs: 3500 },
    watchdog: { intervalMs: 2000, ttlMs: 7000 },
    monitor: { intervalMs: 5000, ttlMs: 17_500 },
    guardian: { intervalMs: 10_000, ttlMs: 35_000 },
  },
  spawnGraceMs: 15_000,
  tickMs: 100,
  maxStallMs: 1000,
  delayWindowMs: 5000,
  delayWindows: 6,
  minAgentsLate: 3,
  maxTtlFactor: 3,
  maxTransitionsPerTick: 200,
  beatFlushMs: 5000,
  maxAgents: maxAgentsOfFleet,
  maxAgentsPerToken: 1000,
  endedAgentShownMs: 3_600_000,
  endedAgentRetentionMs: 30 * DAY_MS,

  defaultLeaseMs: 30_000,
  maxWaitingClaims: 10_000,
  maxWaitingClaimsPerAgent: 100,
  maxQueuedTasks: 1_000_000,
  maxQueuedPhases: 50,
  maxBatchTasks: 500,
  maxPayloadBytes: 262_144,
  maxProgressBytes: 16_384,
  maxErrorLength: 4096,
  defaultMaxAttempts: 3,
  massLossWindowMs: 3000,
  lossTrustMs: 3500,
  retryBaseMs: 1000,
  retryMaxMs: 300_000,
  maxHandoffs: 100,
  handoffKeptMs: 30_000,

  defaultLockTtlMs: 30_000,
  maxWaitingLocks: 10_000,
  maxWaitingLocksPerAgent: 1000,
  maxLocks: 200_000,
  maxLocksPerAgent: 10_000,
  lockResourceRetentionMs: DAY_MS,

  retentionSweepMs: 600_000,
};

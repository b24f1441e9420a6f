import { taskTimeLimitBounds } from '#telemetry';

/** What a request under `/api/v1/fleet` may ask for. What the fleet itself can hold are its own limits. */
export const FLEET_BOUNDS = {
  minLeaseMs: 200,
  maxLeaseMs: 3_600_000,
  minTimeLimitMs: taskTimeLimitBounds.minMs,
  maxTimeLimitMs: taskTimeLimitBounds.maxMs,
  minLockTtlMs: 200,
  maxLockTtlMs: 3_600_000,
  /** Below what proxies cut off. */
  maxWaitMs: 30_000,
  maxClaimedAtOnce: 20,
  /** The fleet itself may take fewer. What is more is refused before each task is looked at. */
  maxEnqueuedAtOnce: 500,
  /** Within one transaction that others wait behind for some ten milliseconds. */
  maxCompletedAtOnce: 100,
  /** Of the agents of one host: a few milliseconds of the server's time. */
  maxHeartbeatsPerRequest: 500,
  /** A claim looks into one lane of the queue for each of its phases and types. */
  maxTaskTypesPerClaim: 50,
  maxPhasesPerClaim: 20,
  maxMaxAttempts: 100,
  /** The fleet itself may keep less of what an attempt failed with. */
  maxErrorCharacters: 100_000,
  maxPageRows: 1000,
} as const;

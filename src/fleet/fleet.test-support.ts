import { createEventBus, type EventBus } from '#eventbus';
import type { StateDatabase } from '#storage';
import {
  createSeededRandom,
  SelfMetrics,
  silentLogger,
  type Clock,
  type EventType,
  type FleetActivity,
} from '#telemetry';
import { createFleet, type Fleet } from './fleet.ts';
import type { FleetLimits } from './limits.ts';
import type { RegistrationRequest } from './agents/registration.ts';
import type { ClaimRequest } from './tasks/claim-request.ts';
import type { NewTask } from './tasks/task-intake.ts';

/** A running fleet on a database, and what it told. For tests. */
export interface TestFleet {
  readonly fleet: Fleet;
  readonly bus: EventBus;
  readonly activity: readonly FleetActivity[];
  readonly metrics: SelfMetrics;
  /** Payloads of the committed events of a type, in order. */
  events(type: EventType): Promise<readonly unknown[]>;
  stop(): Promise<void>;
}

export async function startTestFleet(
  database: StateDatabase,
  options: { readonly clock: Clock; readonly seed?: number; readonly limits?: Partial<FleetLimits> },
): Promise<TestFleet> {
  const { clock, limits, seed } = options;
  const metrics = new SelfMetrics();
  const random = createSeededRandom(seed ?? 1);
  const bus = createEventBus({ database, clock, random, logger: silentLogger, metrics });
  const fleet = createFleet({
    database,
    bus,
    clock,
    random,
    logger: silentLogger,
    metrics,
    ...(limits ? { limits } : {}),
  });
  await fleet.start();
  const activity: FleetActivity[] = [];
  fleet.feed.onActivity((told) => activity.push(told));
  return {
    fleet,
    bus,
    activity,
    metrics,
    async events(type) {
      const events = await bus.list({ types: [type], limit: 1000 });
      return events.map((event) => event.payload);
    },
    async stop() {
      await fleet.stop();
      await bus.stop();
    },
  };
}

export function registration(agentId: string, more: Partial<RegistrationRequest> = {}): RegistrationRequest {
  return {
    agentId,
    agentType: 'worker',
    poolId: null,
    phaseId: null,
    generation: null,
    nonce: `nonce of ${agentId}`,
    newGeneration: false,
    labels: {},
    capabilities: [],
    heartbeatIntervalMs: null,
    heartbeatTtlMs: null,
    traceparent: null,
    ...more,
  };
}

export function task(more: Partial<NewTask> = {}): NewTask {
  return {
    taskType: 'build',
    phaseId: 'PHASE_IMPLEMENTATION',
    priority: 0,
    payload: '{"n":1}',
    maxAttempts: null,
    timeLimitMs: null,
    idempotencyKey: null,
    poolId: null,
    ...more,
  };
}

export function claimOf(agentId: string, more: Partial<ClaimRequest> = {}): ClaimRequest {
  return {
    agentId,
    generation: 1,
    phaseIds: null,
    taskTypes: null,
    ownPoolOnly: false,
    maxTasks: 1,
    leaseMs: 10_000,
    waitMs: 0,
    traceparent: null,
    signal: null,
    ...more,
  };
}

/** The reference of a holder to its task, as every operation of a holder takes it. */
export function heldBy(agentId: string, taskId: string, generation = 1) {
  return { taskId, agentId, generation, attempt: null, traceparent: null };
}

import { afterEach, beforeEach } from 'vitest';
import { createEventBus, type EventBus } from '#eventbus';
import { openTestStateDatabase, takeUpState, type StateDatabase } from '#storage';
import {
  createSeededRandom,
  SelfMetrics,
  silentLogger,
  VirtualClock,
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
export interface RunningFleet {
  readonly fleet: Fleet;
  readonly bus: EventBus;
  readonly activity: readonly FleetActivity[];
  readonly metrics: SelfMetrics;
  stop(): Promise<void>;
}

interface FleetSettings {
  /** The machine on which it runs. */
  readonly host?: string;
  readonly limits?: Partial<FleetLimits>;
  /** Without ticks nobody is ever late. */
  readonly ticks?: 'run' | 'none';
}

export async function startTestFleet(
  database: StateDatabase,
  { clock, limits, host, ticks = 'run' }: FleetSettings & { readonly clock: Clock },
): Promise<RunningFleet> {
  const random = createSeededRandom(1);
  const common = { database, clock, random, logger: silentLogger, metrics: new SelfMetrics() };
  const bus = createEventBus(common);
  const fleet = createFleet({
    ...common,
    bus,
    ...(host !== undefined && { host }),
    ...(limits && { limits }),
  });
  if (ticks === 'run') await fleet.start();
  const activity: FleetActivity[] = [];
  fleet.feed.onActivity((told) => activity.push(told));
  return {
    fleet,
    bus,
    activity,
    metrics: common.metrics,
    async stop() {
      await fleet.stop();
      await bus.stop();
    },
  };
}

interface TestFleetSettings extends FleetSettings {
  /** Puts something between the fleet and its database; `database` is without it. */
  readonly around?: (database: StateDatabase) => StateDatabase;
}

interface TestFleetPlace<Time extends Clock> {
  createClock(): Time;
  openDatabase(clock: Time): Promise<StateDatabase>;
}

/** A fleet with a clock and a database of its own, which outlive restarts of the fleet. For tests. */
export class TestFleet<Time extends Clock = VirtualClock> {
  readonly #place: TestFleetPlace<Time>;
  readonly #settings: TestFleetSettings;
  #opened: { readonly clock: Time; readonly database: StateDatabase } | null = null;
  #stateClock: Clock | null = null;
  #running: RunningFleet | null = null;

  constructor(place: TestFleetPlace<Time>, settings: TestFleetSettings = {}) {
    this.#place = place;
    this.#settings = settings;
  }

  get clock(): Time {
    return present(this.#opened).clock;
  }
  /** The clock by which the fleet works on its state. */
  get stateClock(): Clock {
    return present(this.#stateClock);
  }
  get database(): StateDatabase {
    return present(this.#opened).database;
  }
  get fleet(): Fleet {
    return present(this.#running).fleet;
  }
  get bus(): EventBus {
    return present(this.#running).bus;
  }
  get activity(): readonly FleetActivity[] {
    return present(this.#running).activity;
  }
  get metrics(): SelfMetrics {
    return present(this.#running).metrics;
  }

  /** Makes all of it anew: an empty database, a clock at its beginning, a fleet that runs. */
  async open(): Promise<void> {
    const clock = this.#place.createClock();
    this.#opened = { clock, database: await this.#place.openDatabase(clock) };
    await this.start();
  }

  async close(): Promise<void> {
    await this.stop();
    await this.database.close();
  }

  /** Starts the fleet on what its database holds. @param host the machine on which it runs, where that is another one */
  async start(host?: string): Promise<void> {
    const { around = (database: StateDatabase) => database, ...others } = this.#settings;
    const settings = { ...others, ...(host !== undefined && { host }) };
    this.#stateClock = await takeUpState(this.database, this.clock);
    this.#running = await startTestFleet(around(this.database), { ...settings, clock: this.#stateClock });
  }

  stop(): Promise<void> {
    return present(this.#running).stop();
  }

  /** Payloads of the committed events of a type, in order. */
  async events(type: EventType): Promise<readonly unknown[]> {
    const events = await this.bus.list({ types: [type], limit: 1000 });
    return events.map((event) => event.payload);
  }
}

function present<Part>(part: Part | null): Part {
  if (part === null) throw new Error('The test fleet is not open.');
  return part;
}

interface TestFleetOptions extends TestFleetSettings {
  /** As of `openTestStateDatabase`. */
  readonly threads?: 'one' | 'none';
}

/** A fleet under a virtual clock, for who opens and closes it. */
export function createTestFleet({ threads, ...settings }: TestFleetOptions = {}): TestFleet {
  const place: TestFleetPlace<VirtualClock> = {
    createClock: () => new VirtualClock(),
    openDatabase: (clock) => openTestStateDatabase(clock, threads),
  };
  return new TestFleet(place, settings);
}

/** A fleet under a virtual clock that is opened before each test of the file or `describe`, and closed behind it. */
export function useTestFleet(options?: TestFleetOptions): TestFleet {
  const test = createTestFleet(options);
  beforeEach(() => test.open());
  afterEach(() => test.close());
  return test;
}

/** What opens the next generation of a managed agent. */
export function generationOrder(
  agentId: string,
  { nonce, poolId = null }: { readonly nonce: string; readonly poolId?: string | null },
) {
  return {
    agentId,
    agentType: 'worker' as const,
    poolId,
    phaseId: null,
    heartbeatIntervalMs: null,
    heartbeatTtlMs: null,
    startWithinMs: null,
    provider: null,
    nonce,
    reason: 'test',
    requestedBy: 'test',
    traceparent: null,
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

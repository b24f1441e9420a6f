import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { ClaimRequest, FleetLimits, TaskRow } from '#fleet';
import { createSystemClock, OmoiError, type Clock, type EventType } from '#telemetry';
import {
  claimOf as anyClaimOf,
  generationOrder,
  registration,
  TestFleet,
} from '../../src/fleet/fleet.test-support.ts';
import { type DatabaseKind } from './state-databases.ts';
import { openPlace } from './state-places.ts';

/** How long and how often `vi.waitFor` looks: time goes by the clock here, also on a busy machine. */
export const patience = { timeout: 60_000, interval: 5 };

/** A claim under a lease that outlasts what a busy machine takes. */
export const claimOf: typeof anyClaimOf = (agentId, more) =>
  anyClaimOf(agentId, { leaseMs: 60_000, ...more });

export function lockOf(agentId: string, more: object = {}) {
  return {
    agentId,
    generation: 1,
    resourceType: 'file',
    resourceName: 'main.ts',
    mode: 'exclusive' as const,
    ttlMs: 60_000,
    waitMs: 0,
    traceparent: null,
    signal: null,
    ...more,
  };
}

export function codeOf(thrown: unknown): string {
  return thrown instanceof OmoiError ? thrown.code : String(thrown);
}

/** A fleet on a database as a server opens it, by the clock of the machine, and what its tests ask of it. */
class FleetStage extends TestFleet<Clock> {
  constructor(kind: DatabaseKind, limits: Partial<FleetLimits>) {
    super(
      {
        createClock: createSystemClock,
        openDatabase: async (clock) => openPlace(await kind.createPlace(), clock),
      },
      { limits: { tickMs: 10, retryBaseMs: 40, handoffKeptMs: 300, lossTrustMs: 0, ...limits } },
    );
  }

  /** Tasks in the queue. */
  get queued(): number {
    return this.fleet.feed.snapshot().queue.reduce((total, { queued }) => total + queued, 0);
  }

  async register(...agentIds: string[]): Promise<void> {
    await Promise.all(
      agentIds.map((agentId) => this.fleet.agents.register(registration(agentId, { agentType: 'guardian' }))),
    );
  }

  openGeneration(agentId: string, nonce: string): Promise<number> {
    return this.database.transaction((tx) =>
      this.fleet.generations.openGeneration(tx, generationOrder(agentId, { nonce })),
    );
  }

  async registerManaged(agentId: string, generation: number, nonce: string): Promise<void> {
    const paced = { heartbeatIntervalMs: 60_000, heartbeatTtlMs: 600_000 };
    await this.fleet.agents.register(registration(agentId, { generation, nonce, ...paced }));
  }

  async claimed(agentId: string, more: Partial<ClaimRequest> = {}): Promise<TaskRow> {
    const [found] = await this.fleet.tasks.claim(claimOf(agentId, more));
    if (!found) throw new Error(`agent ${agentId} was given no task`);
    return found;
  }

  async countEvents(type: EventType): Promise<number> {
    return (await this.bus.list({ types: [type], limit: 1000 })).length;
  }
}

/** A fleet on an empty database of a kind for each test of the `describe`. */
export function useFleetOn(kind: DatabaseKind, limits: Partial<FleetLimits> = {}): FleetStage {
  const stage = new FleetStage(kind, limits);
  beforeAll(() => kind.start());
  afterAll(() => kind.stop());
  beforeEach(() => stage.open());
  afterEach(() => stage.close());
  return stage;
}

import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { SystemEvent } from '#telemetry';
import { findServer } from '#server';
import { EventFollower } from '../../src/cli/gameday/event-follower.ts';
import { createLocalClient, type LocalClient } from '../../src/cli/local-client.ts';
import { dataDirectory, OmoiServer } from '../../tests/acceptance/support/omoi-process.ts';

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url));
export const HEARTBEAT_INTERVAL_MS = 500;
const GRACE_MS = 2000;
/** How long a fleet may take to do what it is expected to do, on a busy machine. */
const LIMIT_MS = 300_000;

const poolView = z.object({
  replicas: z.array(z.object({ agent_id: z.string(), generation: z.number(), pid: z.number().nullable() })),
});
const agentView = z.object({ status: z.string(), generation: z.number() });

interface PoolOptions {
  /** As workers beat that ask for nothing; else a little faster. */
  readonly usualPace?: boolean;
  /** What the server makes of the interval where absent. */
  readonly heartbeatTtlMs?: number;
  /** Whether the next generation starts beside one that hangs. */
  readonly overlap?: boolean;
}

export interface Replica {
  readonly agentId: string;
  readonly generation: number;
  readonly pid: number;
}

/** A server of its own whose policies act, its events, and pools of real processes. */
export class SupervisedFleet {
  readonly #server: OmoiServer;
  readonly #data: ReturnType<typeof dataDirectory>;
  readonly #follower: EventFollower;
  readonly client: LocalClient;

  private constructor(server: OmoiServer, data: ReturnType<typeof dataDirectory>) {
    const socket = (): string | null => findServer(data.path)?.socket ?? null;
    this.#server = server;
    this.#data = data;
    this.#follower = new EventFollower(socket);
    this.client = createLocalClient(() => findServer(data.path));
  }

  static async start(): Promise<SupervisedFleet> {
    const data = dataDirectory();
    const server = await OmoiServer.start(data.path, { env: { OMOI_WATCHDOG_MODE: 'act' } });
    const fleet = new SupervisedFleet(server, data);
    fleet.#follower.start(0);
    return fleet;
  }

  get dataDirectory(): string {
    return this.#data.path;
  }

  get lastEventId(): number {
    return this.#follower.lastId;
  }

  /** Creates a pool of small workers, and waits until all of them are registered. */
  async createPool(
    pool: string,
    workers: number,
    { usualPace = false, heartbeatTtlMs, overlap = false }: PoolOptions = {},
  ): Promise<void> {
    const before = this.lastEventId;
    await this.client.call('POST', '/api/v1/fleet/pools', {
      pool_id: pool,
      command: [
        process.execPath,
        '--conditions=omoi-source',
        '--disable-warning=ExperimentalWarning',
        WORKER,
      ],
      desired: workers,
      max: workers,
      ...(!usualPace && { heartbeat_interval_ms: HEARTBEAT_INTERVAL_MS }),
      ...(heartbeatTtlMs !== undefined && { heartbeat_ttl_ms: heartbeatTtlMs }),
      overlap,
      grace_ms: GRACE_MS,
    });
    await this.waitFor(
      (event) => event.event_type === 'fleet.agent.registered' && event.payload.pool_id === pool,
      { afterId: before, count: workers },
    );
  }

  async removePool(pool: string): Promise<void> {
    await this.client.call('DELETE', `/api/v1/fleet/pools/${pool}`);
  }

  /** Those that have a process. */
  async replicas(pool: string): Promise<readonly Replica[]> {
    const { replicas } = poolView.parse(await this.client.call('GET', `/api/v1/fleet/pools/${pool}`));
    return replicas.flatMap(({ agent_id: agentId, generation, pid }) =>
      pid === null ? [] : { agentId, generation, pid },
    );
  }

  async agent(agentId: string): Promise<{ readonly status: string; readonly generation: number }> {
    return agentView.parse(await this.client.call('GET', `/api/v1/fleet/agents/${agentId}`));
  }

  /** The `count`th event of the kind after `afterId`. @throws where it does not come */
  async waitFor(
    accepts: (event: SystemEvent) => boolean,
    { afterId, count = 1, withinMs = LIMIT_MS }: { afterId: number; count?: number; withinMs?: number },
  ): Promise<SystemEvent> {
    const wanted = (event: SystemEvent): boolean => event.id > afterId && accepts(event);
    const event = await this.#follower.waitFor(wanted, { count, withinMs });
    if (event) return event;
    const seen = this.#follower.matching(wanted).length;
    throw new Error(`${seen} of ${count} expected events came within ${withinMs} ms: ${String(accepts)}`);
  }

  eventsAfter(afterId: number): readonly SystemEvent[] {
    return this.#follower.matching((event) => event.id > afterId);
  }

  async stop(): Promise<void> {
    this.#follower.stop();
    await this.#server.stop();
    this.#data.remove();
  }
}

/** When an event was recorded, on the clock that server and bench share; wall ms. */
export const atMs = (event: SystemEvent): number => Date.parse(event.at);

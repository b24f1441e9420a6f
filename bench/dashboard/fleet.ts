import { join } from 'node:path';
import { Client } from '../../tests/acceptance/support/client.ts';
import { dataDirectory, OmoiServer } from '../../tests/acceptance/support/omoi-process.ts';

const POOL_SIZE = 500;
const REGISTERED_AT_ONCE = 50;
/** One client tells of so many changes at once, as a host tells of its agents. */
const STEP_MS = 100;
/** Patient enough to be silent for as long as the bench lasts. */
const HEARTBEAT_INTERVAL_MS = 300_000;

export interface Changes {
  /** How many were told in one second, by the clock. */
  readonly per_second: number;
}

export interface FleetOptions {
  readonly agents: number;
  readonly changesPerSecond: number;
}

/** External agents on a server of their own, which change their status by what one client says of them. */
export class Fleet {
  readonly #server: OmoiServer;
  readonly #admin: Client;
  readonly #remove: () => void;
  readonly #options: FleetOptions;
  readonly #agents: { readonly id: string; sequence: number; isDegraded: boolean }[];
  #at = 0;

  private constructor(
    server: OmoiServer,
    { options, remove }: { readonly options: FleetOptions; readonly remove: () => void },
  ) {
    this.#server = server;
    this.#admin = new Client(() => server.url, server.adminToken);
    this.#remove = remove;
    this.#options = options;
    this.#agents = Array.from({ length: options.agents }, (_, at) => {
      const pool = Math.floor(at / POOL_SIZE) + 1;
      return { id: `fleet-${pool}-worker-${(at % POOL_SIZE) + 1}`, sequence: 0, isDegraded: false };
    });
  }

  static async start(options: FleetOptions): Promise<Fleet> {
    const data = dataDirectory();
    const env = { OMOI_LOG_DESTINATION: join(data.path, 'omoi.log') };
    const server = await OmoiServer.start(data.path, { env });
    const fleet = new Fleet(server, { options, remove: () => data.remove() });
    await fleet.#register();
    return fleet;
  }

  get url(): string {
    return this.#server.url;
  }

  get size(): number {
    return this.#agents.length;
  }

  async loginPath(): Promise<string> {
    return (await this.#admin.read<{ path: string }>('/api/v1/login-links', { method: 'POST' })).path;
  }

  /** Does something while the fleet changes, or while it doesn't. */
  async during<Seen>(
    changing: boolean,
    watch: () => Promise<Seen>,
  ): Promise<{ readonly seen: Seen; readonly changes: Changes }> {
    if (!changing) return { seen: await watch(), changes: { per_second: 0 } };
    const ending = new AbortController();
    const changed = this.#change(ending.signal);
    try {
      const seen = await watch();
      ending.abort();
      return { seen, changes: await changed };
    } finally {
      ending.abort();
      await changed;
    }
  }

  async stop(): Promise<void> {
    await this.#server.stop();
    this.#remove();
  }

  async #register(): Promise<void> {
    for (let first = 0; first < this.#agents.length; first += REGISTERED_AT_ONCE) {
      const some = this.#agents.slice(first, first + REGISTERED_AT_ONCE);
      await Promise.all(
        some.map(({ id }) =>
          this.#admin.read('/api/v1/fleet/agents', {
            method: 'POST',
            body: {
              agent_id: id,
              agent_type: 'worker',
              pool_id: id.slice(0, id.indexOf('-worker')),
              nonce: id,
              heartbeat_interval_ms: HEARTBEAT_INTERVAL_MS,
            },
          }),
        ),
      );
    }
  }

  /** Agent after agent says that it is degraded, and in the next round that it is well again. */
  async #change(until: AbortSignal): Promise<Changes> {
    const { changesPerSecond } = this.#options;
    const beganMs = performance.now();
    let told = 0;
    while (!until.aborted) {
      const due = Math.floor(((performance.now() - beganMs) / 1000) * changesPerSecond) - told;
      if (due > 0) {
        await this.#admin.read('/api/v1/fleet/agents/heartbeats', {
          method: 'POST',
          body: { heartbeats: Array.from({ length: Math.min(due, 500) }, () => this.#nextBeat()) },
        });
        told += Math.min(due, 500);
      }
      await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    }
    return { per_second: Math.round(told / ((performance.now() - beganMs) / 1000)) };
  }

  #nextBeat() {
    const agent = this.#agents[this.#at++ % this.#agents.length];
    if (agent === undefined) throw new Error('the fleet has no agents');
    agent.isDegraded = !agent.isDegraded;
    agent.sequence++;
    return {
      agent_id: agent.id,
      generation: 1,
      sequence: agent.sequence,
      ...(agent.isDegraded
        ? { health: 'degraded', reason: `slow answers of shard ${agent.sequence}` }
        : { health: 'ok' }),
    };
  }
}

import { randomUUID } from 'node:crypto';
import { toRfc3339, type Labels } from '#telemetry';
import { z } from 'zod';
import type { LocalClient } from '../local-client.ts';

interface ExternalAgent {
  readonly agentId: string;
  readonly generation: number;
  readonly nonce: string;
  readonly labels: Labels;
}

export interface NewExternalAgents {
  readonly pool: string;
  readonly count: number;
  readonly labels: Labels;
}

/** The most that one request may carry, as the API says. */
const MAX_BEATS_PER_REQUEST = 500;
const REGISTERED_AT_ONCE = 16;
const registered = z.object({ generation: z.number(), heartbeat_interval_ms: z.number() });

/** Agents that Omoi has not started, all beaten for by one client: as a host is that reports for what runs on it. */
export class ExternalAgents {
  readonly #client: LocalClient;
  readonly #agents: ExternalAgent[] = [];
  #timer: NodeJS.Timeout | null = null;
  #sequence = 0;
  #silent: ReadonlySet<string> = new Set();

  constructor(client: LocalClient) {
    this.#client = client;
  }

  /** Those that are registered are beaten for while the others are. */
  async register({ pool, count, labels }: NewExternalAgents): Promise<void> {
    const before = this.#agents.length;
    await eachOf(count, (number) => this.#add(pool, `${pool}-${before + number + 1}`, labels));
    await this.#beat();
  }

  async #add(pool: string, agentId: string, labels: Labels): Promise<void> {
    const nonce = randomUUID();
    const body = {
      agent_id: agentId,
      agent_type: 'worker',
      pool_id: pool,
      nonce,
      labels,
      new_generation: true,
    };
    const answer = registered.parse(await this.#client.call('POST', '/api/v1/fleet/agents', body));
    this.#agents.push({ agentId, generation: answer.generation, nonce, labels });
    this.#timer ??= setInterval(() => void this.#beat(), answer.heartbeat_interval_ms);
  }

  /** Beats no more for the first so many that have these labels. `at` is since when. */
  silence({ count, labels }: { readonly count: number; readonly labels: Labels }): unknown {
    const those = this.#agents.filter((agent) =>
      Object.entries(labels).every(([name, value]) => agent.labels[name] === value),
    );
    this.#silent = new Set(those.slice(0, count).map(({ agentId }) => agentId));
    return { at: toRfc3339(Date.now()), count: this.#silent.size };
  }

  /** Beats for all again, at once. */
  async revive(): Promise<unknown> {
    const at = toRfc3339(Date.now());
    this.#silent = new Set();
    await this.#beat();
    return { at };
  }

  /** They end on purpose. */
  async leave(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    await eachOf(this.#agents.length, async (number) => {
      const agent = this.#agents[number];
      if (!agent) return;
      const { agentId, generation } = agent;
      const path = `/api/v1/fleet/agents/${agentId}/deregister`;
      await this.#client.call('POST', path, { generation, reason: 'the game day is over' });
    });
  }

  /** One that is lost is made up for by the next. */
  async #beat(): Promise<void> {
    const sequence = ++this.#sequence;
    const beating = this.#agents.filter(({ agentId }) => !this.#silent.has(agentId));
    for (let at = 0; at < beating.length && this.#timer; at += MAX_BEATS_PER_REQUEST) {
      const heartbeats = beating
        .slice(at, at + MAX_BEATS_PER_REQUEST)
        .map(({ agentId, generation, nonce }) => ({ agent_id: agentId, generation, nonce, sequence }));
      await this.#client
        .call('POST', '/api/v1/fleet/agents/heartbeats', { heartbeats })
        .catch(() => undefined);
    }
  }
}

/** A few at a time. */
async function eachOf(count: number, work: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: REGISTERED_AT_ONCE }, worker));
}

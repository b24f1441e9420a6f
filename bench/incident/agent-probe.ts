import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionPool } from '../load/connection-pool.ts';
import { AGENT_POOL } from './measured-server.ts';
import { Recorder } from '../load/recorder.ts';
import { everySoOften } from '../load/schedule.ts';
import { AGENT_PREFIX } from './event-counts.ts';

const REGISTERED_AT_ONCE = 32;
/** Two seconds' worth at full scale; more would only lengthen the queue. Those that wait go on counting. */
const MAX_CLAIMING = 40;
const TASKS_PER_BATCH = 200;
const TASK_TYPE = 'bench-probe';
const LEASE_MS = 60_000;
const SECOND_MS = 1000;

export interface Fleet {
  readonly agents: number;
  /** The first of them, which fall silent at a word. */
  readonly mute: number;
  readonly intervalMs: number;
  readonly ttlMs: number;
  readonly claimEveryMs: number;
}

interface SimulatedAgent {
  readonly id: string;
  /** 0 until it is registered. */
  generation: number;
  sequence: number;
  /** As a real agent it sends no beat while the one before has no answer: the waiting one goes on counting. */
  isBeating: boolean;
}

/** Agents that beat, and a few that claim tasks and complete them: each as its schedule says, answered or not. */
export class AgentProbe {
  readonly heartbeats = new Recorder();
  readonly claims = new Recorder();
  readonly #connections: ConnectionPool;
  readonly #fleet: Fleet;
  readonly #agents: SimulatedAgent[];
  readonly #schedules: { stop(): void }[] = [];
  #next = 0;
  #claiming = 0;
  #silent = false;
  #stock = 0;
  #isStocking = false;

  constructor(connections: ConnectionPool, fleet: Fleet) {
    this.#connections = connections;
    this.#fleet = fleet;
    this.#agents = Array.from({ length: fleet.agents }, (_, number) => ({
      id: `${AGENT_PREFIX}${number}`,
      generation: 0,
      sequence: 0,
      isBeating: false,
    }));
  }

  /** Resolves when all are registered; each beats from then on. */
  async start(): Promise<void> {
    const everyMs = this.#fleet.intervalMs / this.#fleet.agents;
    this.#schedules.push(everySoOften(everyMs, (dueMs) => this.#beatNext(dueMs)));
    const rest = this.#agents.values();
    await Promise.all(
      Array.from({ length: REGISTERED_AT_ONCE }, async () => {
        for (const agent of rest) await this.#register(agent);
      }),
    );
    await this.#stockUp();
    this.#schedules.push(everySoOften(this.#fleet.claimEveryMs, (dueMs) => void this.#claim(dueMs)));
  }

  stop(): void {
    for (const schedule of this.#schedules) schedule.stop();
  }

  /** The mute ones beat once more, all within a second, and then no more until `revive`. */
  async silence(): Promise<void> {
    this.#silent = true;
    await this.#beatWithinASecond(this.#mute);
  }

  async revive(): Promise<void> {
    this.#silent = false;
    await this.#beatWithinASecond(this.#mute);
  }

  /** Not in one instant: that would measure how long thousands of requests that are sent together wait for each other. */
  async #beatWithinASecond(agents: readonly SimulatedAgent[]): Promise<void> {
    const startedAt = performance.now();
    await Promise.all(
      agents.map(async (agent, number) => {
        const dueMs = startedAt + (number * SECOND_MS) / agents.length;
        await delay(Math.max(0, dueMs - performance.now()));
        await this.#beat(agent, dueMs);
      }),
    );
  }

  get #mute(): readonly SimulatedAgent[] {
    return this.#agents.slice(0, this.#fleet.mute);
  }

  async #register(agent: SimulatedAgent): Promise<void> {
    const answer = await this.#connections.post('/api/v1/fleet/agents', {
      agent_id: agent.id,
      agent_type: 'worker',
      pool_id: AGENT_POOL,
      nonce: `nonce-of-${agent.id}`,
      heartbeat_interval_ms: this.#fleet.intervalMs,
      heartbeat_ttl_ms: this.#fleet.ttlMs,
    });
    agent.generation = (JSON.parse(answer) as { generation: number }).generation;
    // A server that was started anew knows the beats of before.
    agent.sequence = Date.now();
  }

  #beatNext(dueMs: number): void {
    const number = this.#next++ % this.#agents.length;
    const agent = this.#agents[number];
    if (agent && !(this.#silent && number < this.#fleet.mute)) void this.#beat(agent, dueMs);
  }

  async #beat(agent: SimulatedAgent, dueMs: number): Promise<void> {
    if (agent.isBeating || agent.generation === 0) return;
    agent.isBeating = true;
    const settle = this.heartbeats.due(dueMs);
    try {
      await this.#connections.send({
        method: 'POST',
        path: `/api/v1/fleet/agents/${agent.id}/heartbeat`,
        body: `{"generation":${agent.generation},"sequence":${++agent.sequence}}`,
      });
      settle('answered');
    } catch {
      settle('failed');
    }
    agent.isBeating = false;
  }

  async #claim(dueMs: number): Promise<void> {
    const agent = this.#agents.at(-1 - (this.#next % Math.max(1, this.#agents.length - this.#fleet.mute)));
    if (!agent || this.#claiming >= MAX_CLAIMING) return;
    this.#claiming++;
    const settle = this.claims.due(dueMs);
    const holder = { agent_id: agent.id, generation: agent.generation };
    try {
      const answer = await this.#connections.post('/api/v1/fleet/tasks/claim', {
        ...holder,
        task_types: [TASK_TYPE],
        lease_ms: LEASE_MS,
      });
      settle('answered');
      const { tasks } = JSON.parse(answer) as { tasks: { task_id: string }[] };
      this.#stock -= tasks.length;
      for (const { task_id: id } of tasks) {
        await this.#connections.post(`/api/v1/fleet/tasks/${id}/complete`, holder);
      }
    } catch {
      settle('failed');
    }
    this.#claiming--;
    if (this.#stock < TASKS_PER_BATCH / 2) await this.#stockUp();
  }

  async #stockUp(): Promise<void> {
    if (this.#isStocking) return;
    this.#isStocking = true;
    const task = { task_type: TASK_TYPE, phase_id: 'PHASE_IMPLEMENTATION', payload: { file: 'a' } };
    try {
      const tasks = Array.from({ length: TASKS_PER_BATCH }, () => task);
      await this.#connections.post('/api/v1/fleet/tasks/batch', { tasks });
      this.#stock += TASKS_PER_BATCH;
    } catch {
      // The next claim finds nothing and asks again.
    }
    this.#isStocking = false;
  }
}

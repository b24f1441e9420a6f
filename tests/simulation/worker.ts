import { OmoiError, type ErrorCode, type Random, type VirtualClock } from '#telemetry';
import type { Parts } from '../../src/server/parts.ts';
import { between, happens } from './chance.ts';
import { never } from './gate.ts';
import type { Ledger } from './ledger.ts';
import { Unreachable, type Network } from './network.ts';

export interface WorkerWorld {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly network: Network;
  readonly ledger: Ledger;
}

export interface Pace {
  readonly intervalMs: number;
  readonly ttlMs: number;
}

export interface WorkerIdentity {
  readonly agentId: string;
  /** null: an agent that nobody but itself starts; the server says which generation it is. */
  readonly generation: number | null;
  readonly nonce: string;
  readonly poolId: string | null;
  readonly phaseId: string;
  /** How often it was told to beat, and its TTL; null: as agents that were told nothing. */
  readonly pace?: Pace | null;
}

interface Held {
  readonly taskId: string;
  readonly attempt: number;
  readonly taskType: string;
}

/** A task that ends every process that works on it. */
export const POISON = 'poison';
const ABORTED = 134;
/** A task of the demo: it waits for its file, packs and writes it, and never fails. */
export const FETCH = 'fetch';
const FETCH_MS = { min: 160, max: 300 } as const;

const LEASE_MS = 8000;
const BEAT_EVERY_MS = 1000;
const RETRY_MS = 500;
/** Answers after which a process of this generation has nothing more to do. */
const DISMISSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'generation_superseded',
  'generation_taken',
  'agent_gone',
  'unknown_agent',
  'agent_is_managed',
]);

/** An agent's process: registers, beats, claims, works and completes, however long the server is away. */
export class Worker {
  readonly identity: WorkerIdentity;
  readonly #world: WorkerWorld;
  readonly #onExit: (exitCode: number) => void;
  #generation: number;
  #gone = false;
  #leaving = false;
  #frozen: PromiseWithResolvers<void> | null = null;
  #starved: PromiseWithResolvers<void> | null = null;
  #inFlight = 0;
  /** How much longer than usual its work takes. */
  slowness = 1;
  /** Its beats are lost, all else passes; and nobody can see what its process does. */
  isUnseen = false;

  constructor(identity: WorkerIdentity, world: WorkerWorld, onExit: (exitCode: number) => void) {
    this.identity = identity;
    this.#world = world;
    this.#onExit = onExit;
    this.#generation = identity.generation ?? 0;
  }

  /** 0 before it knows. */
  get generation(): number {
    return this.#generation;
  }

  get isHung(): boolean {
    return this.#frozen !== null;
  }

  start(): void {
    void this.#live();
  }

  /** SIGSTOP: silent until it is woken; then it goes on as if nothing had been. */
  hang(): void {
    if (this.#frozen || this.#gone) return;
    this.#frozen = Promise.withResolvers();
    const { ledger, clock } = this.#world;
    ledger.stopped(this.identity.agentId, this.#generation, clock.monotonicMs());
  }

  wake(): void {
    if (!this.#frozen) return;
    const { ledger, clock } = this.#world;
    ledger.continued(this.identity.agentId, this.#generation, clock.monotonicMs());
    this.#frozen.resolve();
    this.#frozen = null;
  }

  /** It runs, and does not get the CPU for a while; one that waits for it already goes on waiting. */
  starve(forMs: number): void {
    if (this.#starved || this.#gone) return;
    this.#starved = Promise.withResolvers();
    this.#world.clock.after(forMs, () => {
      this.#starved?.resolve();
      this.#starved = null;
    });
  }

  get isStarved(): boolean {
    return this.#starved !== null;
  }

  /** SIGTERM: finishes its work and leaves. */
  leave(): void {
    this.#leaving = true;
  }

  /** SIGKILL, or a crash. */
  die(): void {
    this.#gone = true;
  }

  async #live(): Promise<void> {
    await this.#pause(between(this.#world.random, 20, 400));
    if (!(await this.#register())) return this.#exit();
    void this.#beat();
    while (!this.#leaving) {
      const task = await this.#claim();
      if (task) await this.#work(task);
    }
    this.#exit();
  }

  async #register(): Promise<boolean> {
    const { agentId, generation, nonce, poolId, phaseId, pace = null } = this.identity;
    const { ledger, clock } = this.#world;
    const registered = await this.#insist('register', async ({ fleet }) => {
      const { agent } = await fleet.agents.register({
        agentId,
        agentType: 'worker',
        poolId,
        phaseId,
        generation,
        nonce,
        newGeneration: generation === null,
        labels: {},
        capabilities: [],
        heartbeatIntervalMs: pace?.intervalMs ?? null,
        heartbeatTtlMs: pace?.ttlMs ?? null,
        traceparent: null,
      });
      ledger.heard(agentId, agent.generation, clock.monotonicMs());
      return agent.generation;
    });
    if (registered === null) return false;
    this.#generation = registered;
    return true;
  }

  async #beat(): Promise<void> {
    for (let sequence = 0; !this.#gone; sequence++) {
      // Beats are not waited for: one that is lost must not delay the next.
      if (!this.isUnseen) void this.#beatOnce(sequence);
      await this.#pause(this.identity.pace?.intervalMs ?? BEAT_EVERY_MS);
    }
  }

  async #beatOnce(sequence: number): Promise<void> {
    const { ledger, clock } = this.#world;
    const { agentId, nonce } = this.identity;
    const generation = this.#generation;
    try {
      const { desired } = await this.#call((parts) => {
        const said = { degraded: false, reason: null, inFlight: this.#inFlight };
        const ack = parts.fleet.heartbeats.take({ agentId, generation, sequence, nonce, ...said });
        ledger.heard(agentId, generation, clock.monotonicMs());
        return ack;
      });
      if (desired === 'drain') this.#leaving = true;
    } catch (thrown) {
      if (thrown instanceof OmoiError && DISMISSALS.has(thrown.code)) this.#leaving = true;
    }
  }

  async #claim(): Promise<Held | null> {
    try {
      const [task] = await this.#call(({ fleet }) =>
        fleet.tasks.claim({
          agentId: this.identity.agentId,
          generation: this.#generation,
          phaseIds: null,
          taskTypes: null,
          ownPoolOnly: false,
          maxTasks: 1,
          leaseMs: LEASE_MS,
          waitMs: 2000,
          traceparent: null,
          signal: null,
        }),
      );
      if (task === undefined) return null;
      return { taskId: task.task_id, attempt: task.attempt, taskType: task.task_type };
    } catch (thrown) {
      if (thrown instanceof OmoiError && DISMISSALS.has(thrown.code)) this.#leaving = true;
      else await this.#pause(RETRY_MS);
      return null;
    }
  }

  async #work(task: Held): Promise<void> {
    const { random } = this.#world;
    this.#inFlight = 1;
    if (task.taskType === POISON) {
      await this.#pause(between(random, 10, 300));
      this.#world.ledger.endedByItself({ ...this.identity, generation: this.#generation });
      this.#exit(ABORTED);
      return never();
    }
    if (task.taskType === FETCH) {
      await this.#pause(between(random, FETCH_MS.min, FETCH_MS.max));
      await this.#complete(task);
      this.#inFlight = 0;
      return;
    }
    const lock = happens(random, 0.3) ? await this.#lock() : null;
    let leftMs = between(random, 50, 3000) * this.slowness;
    while (leftMs > 0) {
      const stretchMs = Math.min(leftMs, LEASE_MS / 3);
      await this.#pause(stretchMs);
      leftMs -= stretchMs;
      if (leftMs > 0) await this.#renew(task);
    }
    if (happens(random, 0.05)) await this.#fail(task);
    else await this.#complete(task);
    if (lock !== null) await this.#unlock(lock);
    this.#inFlight = 0;
  }

  /** A lease that can't be renewed may be lost; it tries to complete all the same: the server has to refuse it. */
  async #renew(task: Held): Promise<void> {
    const { ledger, clock } = this.#world;
    await this.#call(async ({ fleet }) => {
      await fleet.tasks.renew(this.#asHolder(task));
      ledger.renewed(this.identity.agentId, this.#generation, clock.monotonicMs());
    }).catch(() => null);
  }

  async #complete(task: Held): Promise<void> {
    const { ledger } = this.#world;
    const done = await this.#insist('complete', ({ fleet }) =>
      fleet.tasks.complete(this.#asHolder(task), JSON.stringify({ by: this.identity.nonce.length })),
    );
    if (done) {
      const { agentId } = this.identity;
      ledger.completed.push({ taskId: task.taskId, agentId, generation: this.#generation });
    }
  }

  async #fail(task: Held): Promise<void> {
    await this.#insist('fail', ({ fleet }) =>
      fleet.tasks.fail(this.#asHolder(task), { error: 'simulated', retry: true }),
    );
  }

  async #lock(): Promise<string | null> {
    const { random } = this.#world;
    try {
      const lock = await this.#call(({ fleet }) =>
        fleet.locks.acquire({
          agentId: this.identity.agentId,
          generation: this.#generation,
          resourceType: 'file',
          resourceName: `shared-${between(random, 1, 2)}`,
          mode: happens(random, 0.5) ? 'exclusive' : 'shared',
          ttlMs: 5000,
          waitMs: 1000,
          traceparent: null,
          signal: null,
        }),
      );
      return lock.lock_id;
    } catch {
      return null;
    }
  }

  async #unlock(lockId: string): Promise<void> {
    const holder = { agentId: this.identity.agentId, generation: this.#generation, traceparent: null };
    await this.#call(({ fleet }) => fleet.locks.release(lockId, holder)).catch(() => null);
  }

  #asHolder({ taskId, attempt }: Held) {
    return {
      taskId,
      attempt,
      agentId: this.identity.agentId,
      generation: this.#generation,
      traceparent: null,
    };
  }

  /** Repeats a call until it has a definite answer; null for a refusal. */
  async #insist<Answer>(
    call: string,
    ask: (parts: Parts) => Answer | Promise<Answer>,
  ): Promise<Awaited<Answer> | null> {
    for (;;) {
      try {
        return await this.#call(ask);
      } catch (thrown) {
        const isAnswer = thrown instanceof OmoiError && !thrown.retryable;
        if (isAnswer) {
          if (call !== 'register') this.#world.ledger.lateRefusals.push({ call, code: thrown.code });
          if (DISMISSALS.has(thrown.code)) this.#leaving = true;
          return null;
        }
        if (!(thrown instanceof Unreachable) && !(thrown instanceof OmoiError)) throw thrown;
      }
      await this.#pause(RETRY_MS);
    }
  }

  async #call<Answer>(ask: (parts: Parts) => Answer | Promise<Answer>): Promise<Awaited<Answer>> {
    try {
      return await this.#world.network.call(this.identity.agentId, ask);
    } finally {
      await this.#breathe();
    }
  }

  async #pause(ms: number): Promise<void> {
    await this.#world.network.sleep(ms);
    await this.#breathe();
  }

  /** Goes on if the process still runs; while it hangs or has no CPU, when it has woken. */
  async #breathe(): Promise<void> {
    for (;;) {
      const held = this.#frozen ?? this.#starved;
      if (!held || this.#gone) break;
      await held.promise;
    }
    if (this.#gone) await never();
  }

  #exit(exitCode = 0): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#onExit(exitCode);
  }
}

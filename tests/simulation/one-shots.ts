import { OmoiError } from '#telemetry';
import type { Parts } from '../../src/server/parts.ts';
import { between } from './chance.ts';
import type { OneShotEnd } from './ledger.ts';
import { Unreachable } from './network.ts';
import type { WorkerWorld } from './worker.ts';

const BEAT_EVERY_MS = 1000;
const RETRY_MS = 500;

/** How `omoi run` tells of an end. */
const EXITS: Readonly<
  Record<OneShotEnd, { readonly exitCode: number | null; readonly asked: string | null }>
> = {
  done: { exitCode: 0, asked: null },
  fails: { exitCode: 1, asked: null },
  interrupted: { exitCode: null, asked: 'stopped by SIGINT' },
};

/** Commands that people run beside the pools, under `omoi run`: they are watched, and not Omoi's to start again. */
export class OneShots {
  readonly #world: WorkerWorld;
  #runs = 0;

  constructor(world: WorkerWorld) {
    this.#world = world;
  }

  run(end: OneShotEnd | undefined): void {
    if (end) void this.#run(`job-${++this.#runs}`, end);
  }

  async #run(agentId: string, end: OneShotEnd): Promise<void> {
    const { ledger, clock, random, network } = this.#world;
    ledger.oneShots.set(agentId, end);
    const nonce = `one-shot-${agentId}`;
    const generation = await this.#insist(agentId, async ({ fleet }) => {
      const { agent } = await fleet.agents.register({
        agentId,
        agentType: 'worker',
        poolId: null,
        phaseId: null,
        generation: null,
        nonce,
        newGeneration: true,
        labels: {},
        capabilities: [],
        heartbeatIntervalMs: null,
        heartbeatTtlMs: null,
        traceparent: null,
      });
      ledger.heard(agentId, agent.generation, clock.monotonicMs());
      return agent.generation;
    });
    if (generation === null) return;
    const endsAtMs = clock.monotonicMs() + between(random, 100, 8000);
    for (let sequence = 0; clock.monotonicMs() < endsAtMs; sequence++) {
      void this.#beat({ agentId, generation, nonce, sequence });
      await network.sleep(Math.min(BEAT_EVERY_MS, endsAtMs - clock.monotonicMs()));
    }
    const { exitCode, asked } = EXITS[end];
    const exit = { exitCode, signal: null, asked, expect: 'once' } as const;
    const reason = asked ?? `exit ${exitCode}`;
    await this.#insist(agentId, ({ fleet }) =>
      fleet.agents.deregister({ agentId, generation, reason, exit, traceparent: null }),
    );
  }

  async #beat(beat: {
    readonly agentId: string;
    readonly generation: number;
    readonly nonce: string;
    readonly sequence: number;
  }): Promise<void> {
    const { ledger, clock, network } = this.#world;
    const said = { degraded: false, reason: null, inFlight: 1 };
    await network
      .call(beat.agentId, ({ fleet }) => {
        fleet.heartbeats.take({ ...beat, ...said });
        ledger.heard(beat.agentId, beat.generation, clock.monotonicMs());
      })
      .catch(() => undefined);
  }

  /** Repeats a call until it has a definite answer; null for a refusal. */
  async #insist<Answer>(
    agentId: string,
    ask: (parts: Parts) => Answer | Promise<Answer>,
  ): Promise<Awaited<Answer> | null> {
    for (;;) {
      try {
        return await this.#world.network.call(agentId, ask);
      } catch (thrown) {
        if (thrown instanceof OmoiError && !thrown.retryable) return null;
        if (!(thrown instanceof Unreachable) && !(thrown instanceof OmoiError)) throw thrown;
      }
      await this.#world.network.sleep(RETRY_MS);
    }
  }
}

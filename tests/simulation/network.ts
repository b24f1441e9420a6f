import { messageOf, OmoiError, type Random, type VirtualClock } from '#telemetry';
import type { Tsdb } from '#tsdb';
import type { Parts } from '../../src/server/parts.ts';
import { between, happens } from './chance.ts';
import type { Gate } from './gate.ts';
import type { Ledger } from './ledger.ts';

/** No answer came: nobody knows whether the server did what was asked. */
export class Unreachable extends Error {}

/** A server process as its callers reach it. */
export interface Reachable {
  readonly parts: Parts;
  readonly gate: Gate;
  /** Where samples go that others send. */
  readonly samples: Tsdb;
  responsive(): Promise<void>;
}

const CALL_TIMEOUT_MS = 3000;

/** What lies between agents and the server: it delays, and loses requests and answers. */
export class Network {
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #ledger: Ledger;
  readonly #partitionedUntilMs = new Map<string, number>();
  /** The server that listens at present. */
  server: Reachable | null = null;
  /** The share of requests, and of answers, that are lost. */
  lossShare = 0;

  constructor(clock: VirtualClock, random: Random, ledger: Ledger) {
    this.#clock = clock;
    this.#random = random;
    this.#ledger = ledger;
  }

  /** Loses everything between an agent and the server for a while. */
  partition(agentId: string, forMs: number): void {
    this.#partitionedUntilMs.set(agentId, this.#clock.monotonicMs() + forMs);
  }

  heal(): void {
    this.#partitionedUntilMs.clear();
    this.lossShare = 0;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(ms, resolve);
    });
  }

  /**
   * @throws OmoiError what the server answered
   * @throws Unreachable
   */
  async call<Answer>(
    agentId: string,
    ask: (parts: Parts) => Answer | Promise<Answer>,
  ): Promise<Awaited<Answer>> {
    await this.#travel(agentId);
    const { server } = this;
    if (!server) throw new Unreachable('connection refused');
    await Promise.race([server.responsive(), server.gate.closed]);
    const answer = await this.#answer(server, ask);
    await this.#travel(agentId);
    if ('thrown' in answer) throw answer.thrown;
    return answer.value;
  }

  async #answer<Answer>(
    server: Reachable,
    ask: (parts: Parts) => Answer | Promise<Answer>,
  ): Promise<{ readonly value: Awaited<Answer> } | { readonly thrown: Error }> {
    if (!server.gate.isOpen) return { thrown: new Unreachable('connection reset') };
    const asked = async (): Promise<{ readonly value: Awaited<Answer> } | { readonly thrown: Error }> => {
      try {
        return { value: await ask(server.parts) };
      } catch (thrown) {
        if (thrown instanceof OmoiError) return { thrown };
        this.#ledger.surprises.push(messageOf(thrown));
        return { thrown: new Unreachable('internal error') };
      }
    };
    const reset = server.gate.closed.then(() => ({ thrown: new Unreachable('connection reset') }));
    return Promise.race([asked(), reset]);
  }

  async #travel(agentId: string): Promise<void> {
    await this.sleep(between(this.#random, 1, 8));
    const isCut = (this.#partitionedUntilMs.get(agentId) ?? 0) > this.#clock.monotonicMs();
    if (!isCut && !happens(this.#random, this.lossShare)) return;
    await this.sleep(CALL_TIMEOUT_MS);
    throw new Unreachable('timed out');
  }
}

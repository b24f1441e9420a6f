import type { Clock } from '../time/clock.ts';
import type { Random } from '../random.ts';
import { backoffMs, type BackoffLimits } from './backoff.ts';
import { delay } from './delay.ts';

export interface AskedWorkParts {
  readonly clock: Clock;
  readonly random: Random;
  /** The pauses between tries of what fails. */
  readonly backoff: BackoffLimits;
  readonly work: () => Promise<void>;
  readonly onFailure: (error: unknown) => void;
}

/** Work in the background that is done once for all who ask meanwhile. What fails is tried again until it is done, or stopped. */
export class AskedWork {
  readonly #parts: AskedWorkParts;
  readonly #stopped = new AbortController();
  #isAsked = false;
  #working: Promise<void> | null = null;

  constructor(parts: AskedWorkParts) {
    this.#parts = parts;
  }

  ask(): void {
    this.#isAsked = true;
    if (!this.#stopped.signal.aborted) this.#working ??= this.#workAll();
  }

  /** Resolves when nothing is under way. What is tried again is not waited for. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#working;
  }

  async #workAll(): Promise<void> {
    const { clock, random, backoff, work, onFailure } = this.#parts;
    let failures = 0;
    while (this.#isAsked && !this.#stopped.signal.aborted) {
      this.#isAsked = false;
      try {
        await work();
        failures = 0;
      } catch (thrown) {
        this.#isAsked = true;
        onFailure(thrown);
        await delay(clock, backoffMs(++failures, backoff, random), this.#stopped.signal);
      }
    }
    this.#working = null;
  }
}

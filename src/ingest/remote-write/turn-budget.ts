import type { Clock } from '#telemetry';

/** How long one request works before it lets the event loop turn. */
const MAX_STRETCH_MS = 4;

/** Keeps long work from holding up the event loop: ask `isSpent` now and then, and await `renew` when it is. */
export class TurnBudget {
  readonly #clock: Clock;
  #startedMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  get isSpent(): boolean {
    return this.#clock.monotonicMs() - this.#startedMs >= MAX_STRETCH_MS;
  }

  /** Resolves when everything else that waited has had its turn. */
  async renew(): Promise<void> {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    this.#startedMs = this.#clock.monotonicMs();
  }
}

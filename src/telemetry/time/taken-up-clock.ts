import type { Boot, Clock, Timer } from './clock.ts';

/** A clock that knows in which boots the state was worked on; everything else is as the clock below has it. */
export class TakenUpClock implements Clock {
  readonly #clock: Clock;
  readonly boots: readonly Boot[];

  constructor(clock: Clock, boots: readonly Boot[]) {
    this.#clock = clock;
    this.boots = boots;
  }

  wallMs(): number {
    return this.#clock.wallMs();
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  bootMs(): number {
    return this.#clock.bootMs();
  }

  get bootId(): string {
    return this.#clock.bootId;
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#clock.after(delayMs, run);
  }

  every(periodMs: number, run: () => void): Timer {
    return this.#clock.every(periodMs, run);
  }
}

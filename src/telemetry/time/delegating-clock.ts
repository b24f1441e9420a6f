import type { Clock, Timer } from './clock.ts';

/** A clock over another one, which answers whatever a subclass does not answer itself. */
export abstract class DelegatingClock implements Clock {
  /** The clock below. */
  protected readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  wallMs(): number {
    return this.clock.wallMs();
  }

  monotonicMs(): number {
    return this.clock.monotonicMs();
  }

  cpuMs(): number {
    return this.clock.cpuMs();
  }

  bootMs(): number {
    return this.clock.bootMs();
  }

  get bootId(): string {
    return this.clock.bootId;
  }

  after(delayMs: number, run: () => void): Timer {
    return this.clock.after(delayMs, run);
  }

  every(periodMs: number, run: () => void): Timer {
    return this.clock.every(periodMs, run);
  }
}

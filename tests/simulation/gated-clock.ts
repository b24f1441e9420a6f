import type { Clock, Timer, VirtualClock } from '#telemetry';
import type { Gate } from './gate.ts';

interface HeldCall {
  readonly run: () => void;
  cancelled: boolean;
}

/** The clock of one server process: its timers end with it, and stand still while it is stalled. */
export class GatedClock implements Clock {
  readonly #clock: VirtualClock;
  readonly #gate: Gate;
  #held: HeldCall[] | null = null;
  #thaw = Promise.withResolvers<void>();

  constructor(clock: VirtualClock, gate: Gate) {
    this.#clock = clock;
    this.#gate = gate;
  }

  wallMs(): number {
    return this.#clock.wallMs();
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  cpuMs(): number {
    return this.#clock.cpuMs();
  }

  bootMs(): number {
    return this.#clock.bootMs();
  }

  get bootId(): string {
    return this.#clock.bootId;
  }

  after(delayMs: number, run: () => void): Timer {
    const call: HeldCall = { run, cancelled: false };
    return cancelling(
      call,
      this.#clock.after(delayMs, () => this.#call(call)),
    );
  }

  every(periodMs: number, run: () => void): Timer {
    const call: HeldCall = { run, cancelled: false };
    const timer = this.#clock.every(periodMs, () => {
      if (this.#gate.isOpen) this.#call(call);
      else timer.cancel();
    });
    return cancelling(call, timer);
  }

  /**
   * The process does nothing for a while: a long collection of garbage, a machine that was suspended. Returns false
   * where it does nothing already.
   */
  stall(forMs: number): boolean {
    if (this.#held) return false;
    this.#held = [];
    this.#clock.after(forMs, () => {
      const held = this.#held ?? [];
      this.#held = null;
      for (const call of held) this.#clock.after(0, () => this.#call(call));
      this.#thaw.resolve();
      this.#thaw = Promise.withResolvers();
    });
    return true;
  }

  /** Resolves when the process does anything at all. */
  async responsive(): Promise<void> {
    if (this.#held) await this.#thaw.promise;
  }

  #call(call: HeldCall): void {
    if (!this.#gate.isOpen || call.cancelled) return;
    if (!this.#held) call.run();
    // A period that comes round while the last one is still held is missed.
    else if (!this.#held.includes(call)) this.#held.push(call);
  }
}

function cancelling(call: HeldCall, timer: Timer): Timer {
  return {
    cancel() {
      call.cancelled = true;
      timer.cancel();
    },
  };
}

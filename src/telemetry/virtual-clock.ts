import type { Clock, Timer } from './clock.ts';

interface PendingTimer {
  dueMs: number;
  readonly sequence: number;
  readonly run: () => void;
  readonly periodMs: number | null;
  cancelled: boolean;
}

/** A clock that moves only when told to, for tests and simulations. Timers fire in order of their due time. */
export class VirtualClock implements Clock {
  #nowMs = 0;
  #sequence = 0;
  #startEpochMs: number;
  #timers: PendingTimer[] = [];

  /** @param startEpochMs wall time at the start, ms since epoch */
  constructor(startEpochMs = Date.UTC(2026, 0, 1)) {
    this.#startEpochMs = startEpochMs;
  }

  wallMs(): number {
    return this.#startEpochMs + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  /** The wall clock jumps (as after an NTP step); monotonic time and timers do not. */
  stepWallClock(byMs: number): void {
    this.#startEpochMs += byMs;
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#schedule(delayMs, run, null);
  }

  every(periodMs: number, run: () => void): Timer {
    return this.#schedule(periodMs, run, periodMs);
  }

  /**
   * Moves time forward, firing what falls due; after each timer the event loop turns once, so that the promises
   * it settled (a database call, say) are through before the next one.
   */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#nowMs + byMs;
    for (;;) {
      await turnEventLoop();
      const due = this.#takeDue(endMs);
      if (!due) break;
      this.#nowMs = Math.max(this.#nowMs, due.dueMs);
      due.run();
    }
    this.#nowMs = endMs;
    await turnEventLoop();
  }

  #schedule(delayMs: number, run: () => void, periodMs: number | null): Timer {
    const timer: PendingTimer = {
      dueMs: this.#nowMs + Math.max(0, delayMs),
      sequence: this.#sequence++,
      run,
      periodMs,
      cancelled: false,
    };
    this.#timers.push(timer);
    return {
      cancel: () => {
        timer.cancelled = true;
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  #takeDue(endMs: number): PendingTimer | undefined {
    let first: PendingTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs > endMs) continue;
      if (
        !first ||
        timer.dueMs < first.dueMs ||
        (timer.dueMs === first.dueMs && timer.sequence < first.sequence)
      ) {
        first = timer;
      }
    }
    if (!first) return undefined;
    const fired: PendingTimer = { ...first };
    if (first.periodMs === null) this.#timers = this.#timers.filter((other) => other !== first);
    else first.dueMs += first.periodMs;
    return fired;
  }
}

function turnEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

import { nextTurn } from '../concurrency/pacing.ts';
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
  readonly #timers = new TimerHeap();
  #boot = 1;
  #bootedAtMs = 0;
  #settled: () => Promise<void> = () => Promise.resolve();

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

  /** All time that passes is work. */
  cpuMs(): number {
    return this.monotonicMs();
  }

  bootMs(): number {
    return this.#nowMs - this.#bootedAtMs;
  }

  get bootId(): string {
    return `boot-${this.#boot}`;
  }

  /** The machine boots anew: its boot clock begins at 0. */
  reboot(): void {
    this.#boot++;
    this.#bootedAtMs = this.#nowMs;
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

  /** What goes on outside of the process takes no time by this clock: it is awaited before each timer. */
  waitFor(settled: () => Promise<void>): void {
    this.#settled = settled;
  }

  /**
   * Moves time forward, firing what falls due; after each timer the event loop turns once, so that the promises
   * it settled (a database call, say) are through before the next one.
   */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#nowMs + byMs;
    for (;;) {
      await nextTurn();
      await this.#settled();
      const due = this.#takeDue(endMs);
      if (!due) break;
      this.#nowMs = Math.max(this.#nowMs, due.dueMs);
      due.run();
    }
    this.#nowMs = endMs;
    await nextTurn();
    await this.#settled();
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
      },
    };
  }

  #takeDue(endMs: number): PendingTimer | undefined {
    for (;;) {
      const first = this.#timers.first;
      if (!first || (!first.cancelled && first.dueMs > endMs)) return undefined;
      this.#timers.pop();
      if (first.cancelled) continue;
      if (first.periodMs === null) return first;
      const fired: PendingTimer = { ...first };
      first.dueMs += first.periodMs;
      this.#timers.push(first);
      return fired;
    }
  }
}

/** A binary heap by due time, then by the order of setting. */
class TimerHeap {
  readonly #timers: PendingTimer[] = [];

  get first(): PendingTimer | undefined {
    return this.#timers[0];
  }

  push(timer: PendingTimer): void {
    let at = this.#timers.push(timer) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!this.#isBefore(at, above)) return;
      this.#swap(at, above);
      at = above;
    }
  }

  pop(): void {
    const last = this.#timers.pop();
    if (!last || this.#timers.length === 0) return;
    this.#timers[0] = last;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const below = this.#isBefore(left + 1, left) ? left + 1 : left;
      if (!this.#isBefore(below, at)) return;
      this.#swap(at, below);
      at = below;
    }
  }

  #isBefore(at: number, other: number): boolean {
    const [a, b] = [this.#timers[at], this.#timers[other]];
    if (!a || !b) return false;
    return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence);
  }

  #swap(at: number, other: number): void {
    const [a, b] = [this.#timers[at], this.#timers[other]];
    if (!a || !b) return;
    this.#timers[at] = b;
    this.#timers[other] = a;
  }
}

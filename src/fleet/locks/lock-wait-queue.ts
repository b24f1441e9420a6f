import type { Clock, Timer, TurnQueue } from '#telemetry';

/** What an attempt to lock came to. */
export type LockAttempt<Granted> =
  | { readonly granted: Granted }
  | { readonly refused: Error }
  | { readonly failed: unknown };

interface Waiter<Granted> {
  readonly attempt: () => Promise<LockAttempt<Granted>>;
  readonly settle: (outcome: LockAttempt<Granted>) => void;
  /** Whether the next refusal is the answer. */
  leaving: boolean;
}

/**
 * Those who want one resource, first come first served: nobody overtakes one who waits, and one attempt runs at
 * a time. Who does not wait is answered at the first refusal.
 */
export class LockWaitQueue<Granted> {
  readonly #clock: Clock;
  /** In the order in which they came; each may leave from anywhere at the same cost. */
  readonly #waiters = new Set<Waiter<Granted>>();
  #attempting: Waiter<Granted> | null = null;
  #running = false;
  #again = false;
  readonly #turns: TurnQueue;

  /** @param turns tells those who wait no longer: each is an answer to be written */
  constructor(clock: Clock, turns: TurnQueue) {
    this.#clock = clock;
    this.#turns = turns;
  }

  get length(): number {
    return this.#waiters.size;
  }

  /**
   * Stands in line for at most `waitMs` (0 does not wait). `overdue` makes the refusal of one whose time was over
   * while he waited.
   */
  join(
    attempt: () => Promise<LockAttempt<Granted>>,
    waiting: { readonly waitMs: number; readonly signal: AbortSignal | null; readonly overdue: () => Error },
  ): Promise<LockAttempt<Granted>> {
    const { waitMs, signal, overdue } = waiting;
    return new Promise((resolve) => {
      let timer: Timer | null = null;
      const leave = (): void => {
        // The attempt that runs right now may be granted: its outcome is the answer.
        if (this.#attempting === waiter) waiter.leaving = true;
        else this.#leave(waiter, overdue);
      };
      const waiter: Waiter<Granted> = {
        attempt,
        leaving: waitMs <= 0 || signal?.aborted === true,
        settle: (outcome) => {
          timer?.cancel();
          signal?.removeEventListener('abort', leave);
          this.#waiters.delete(waiter);
          resolve(outcome);
        },
      };
      if (waitMs > 0) timer = this.#clock.after(waitMs, leave);
      signal?.addEventListener('abort', leave, { once: true });
      this.#waiters.add(waiter);
      this.advance();
    });
  }

  /** Nobody waits any longer. */
  stop(refused: Error): void {
    for (const waiter of this.#waiters) {
      if (waiter === this.#attempting) waiter.leaving = true;
      else this.#leave(waiter, () => refused);
    }
  }

  /** Takes one out of the line. Where thousands leave at once, most are told in later turns. */
  #leave(waiter: Waiter<Granted>, refusal: () => Error): void {
    this.#waiters.delete(waiter);
    this.#turns.run(() => waiter.settle({ refused: refusal() }));
  }

  /** Something about the resource has changed: the first in line tries (again). */
  advance(): void {
    this.#again = true;
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#again) {
      this.#again = false;
      const refused = await this.#serve();
      // Behind one who waits nobody gets through: those without patience are told now.
      if (refused) for (const waiter of this.#waiters) if (waiter.leaving) this.#leave(waiter, () => refused);
    }
    this.#running = false;
  }

  /** Serves those in front until one has to wait; returns why he has to, or null when the line is empty. */
  async #serve(): Promise<Error | null> {
    for (const first of this.#waiters) {
      this.#attempting = first;
      const outcome = await first.attempt();
      this.#attempting = null;
      if ('refused' in outcome && !first.leaving) return outcome.refused;
      first.settle(outcome);
    }
    return null;
  }
}

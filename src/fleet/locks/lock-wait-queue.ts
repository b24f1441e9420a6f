import type { Clock, Timer } from '#telemetry';

/** What an attempt to lock came to. */
export type LockAttempt<Granted> =
  { readonly granted: Granted } | { readonly refused: Error } | { readonly failed: unknown };

interface Place<Granted> {
  readonly attempt: () => Promise<LockAttempt<Granted>>;
  readonly settle: (outcome: LockAttempt<Granted>) => void;
  /** Whether the next refusal is the answer. */
  leaving: boolean;
}

/**
 * Those who want one resource, first come first served: nobody overtakes one who waits, and one attempt runs at
 * a time. Who has no patience is answered at the first refusal.
 */
export class LockWaitQueue<Granted> {
  readonly #clock: Clock;
  #places: Place<Granted>[] = [];
  #attempting: Place<Granted> | null = null;
  #running = false;
  #again = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get length(): number {
    return this.#places.length;
  }

  /**
   * Stands in line for at most `waitMs` (0 does not wait). `overdue` makes the refusal of one whose time was over
   * while he waited.
   */
  join(
    attempt: () => Promise<LockAttempt<Granted>>,
    patience: { readonly waitMs: number; readonly signal: AbortSignal | null; readonly overdue: () => Error },
  ): Promise<LockAttempt<Granted>> {
    const { waitMs, signal, overdue } = patience;
    return new Promise((resolve) => {
      let timer: Timer | null = null;
      const leave = (): void => {
        // The attempt that runs right now may be granted: its outcome is the answer.
        if (this.#attempting === place) place.leaving = true;
        else place.settle({ refused: overdue() });
      };
      const place: Place<Granted> = {
        attempt,
        leaving: waitMs <= 0,
        settle: (outcome) => {
          timer?.cancel();
          signal?.removeEventListener('abort', leave);
          this.#places = this.#places.filter((other) => other !== place);
          resolve(outcome);
        },
      };
      if (waitMs > 0) timer = this.#clock.after(waitMs, leave);
      signal?.addEventListener('abort', leave, { once: true });
      this.#places.push(place);
      this.advance();
    });
  }

  /** Nobody waits any longer. */
  stop(refused: Error): void {
    for (const place of this.#places) {
      if (place === this.#attempting) place.leaving = true;
      else place.settle({ refused });
    }
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
      if (refused) for (const place of this.#places) if (place.leaving) place.settle({ refused });
    }
    this.#running = false;
  }

  /** Serves those in front until one has to wait; returns why he has to, or null when the line is empty. */
  async #serve(): Promise<Error | null> {
    for (let first = this.#places[0]; first; first = this.#places[0]) {
      this.#attempting = first;
      const outcome = await first.attempt();
      this.#attempting = null;
      if ('refused' in outcome && !first.leaving) return outcome.refused;
      first.settle(outcome);
    }
    return null;
  }
}

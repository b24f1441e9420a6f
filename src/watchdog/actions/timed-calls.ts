import type { Clock } from '#telemetry';

/** No answer came within the time limit: what was asked may have been done, or may still be done. */
export class Overdue extends Error {}

/** Waits for answers for a limited time, so that a call that hangs holds nobody up. */
export class TimedCalls {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #waits = new Set<() => void>();
  #closed = false;

  constructor(clock: Clock, limitMs: number) {
    this.#clock = clock;
    this.#limitMs = limitMs;
  }

  /** @throws Overdue, or what the call throws */
  within<Result>(call: Promise<Result>): Promise<Result> {
    if (this.#closed) {
      call.catch(() => undefined);
      return Promise.reject(new Overdue('nobody waits for an answer any more: the watchdog stops'));
    }
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        settle();
        reject(new Overdue(`no answer within ${this.#limitMs} ms`));
      };
      const timer = this.#clock.after(this.#limitMs, giveUp);
      const settle = (): void => {
        timer.cancel();
        this.#waits.delete(giveUp);
      };
      this.#waits.add(giveUp);
      call.finally(settle).then(resolve, reject);
    });
  }

  /** Nobody waits any more, nor for what is asked from now on. */
  close(): void {
    this.#closed = true;
    for (const giveUp of this.#waits) giveUp();
  }
}

import type { Clock } from '#telemetry';
import type { Runtime, UnitRef } from '../runtimes/runtime.ts';
import { keptOutputOf } from './unit-end.ts';

/** Ended units whose output is read at once, two files each: thousands that end together take nobody the descriptors. */
export const maxReadAtOnce = 16;
/** An end is recorded without the output that could not be read within so long: an agent waits for that to be restarted. */
export const maxOutputWaitMs = 5000;

/** Reads what units put out last when they have ended; what can't be read in time must not hold their ends up. */
export class LastOutputs {
  readonly #clock: Clock;
  readonly #runtimes: readonly Pick<Runtime, 'logs'>[];
  /** Begins the reading of those that wait for their turn, in the order in which they came. */
  readonly #waiting = new Set<() => void>();
  /** Ends the wait of each that is asked for, without its output. */
  readonly #pending = new Set<() => void>();
  #reading = 0;

  constructor(parts: { readonly clock: Clock; readonly runtimes: readonly Pick<Runtime, 'logs'>[] }) {
    this.#clock = parts.clock;
    this.#runtimes = parts.runtimes;
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Never rejects; null where there is none, or it could not be read in time. */
  of(unit: UnitRef): Promise<string | null> {
    return new Promise((resolve) => {
      const settle = (output: string | null): void => {
        timer.cancel();
        this.#waiting.delete(begin);
        this.#pending.delete(giveUp);
        resolve(output);
      };
      const giveUp = (): void => settle(null);
      const begin = (): void => {
        this.#waiting.delete(begin);
        void this.#read(unit).then(settle);
      };
      const timer = this.#clock.after(maxOutputWaitMs, giveUp);
      this.#pending.add(giveUp);
      if (this.#reading < maxReadAtOnce) begin();
      else this.#waiting.add(begin);
    });
  }

  /** Nobody waits any longer. */
  close(): void {
    for (const giveUp of this.#pending) giveUp();
  }

  /** One that hangs keeps its place: no more than so many ever hang. */
  async #read(unit: UnitRef): Promise<string | null> {
    this.#reading++;
    try {
      return await keptOutputOf(this.#runtimes, unit);
    } finally {
      this.#reading--;
      const [next] = this.#waiting;
      next?.();
    }
  }
}

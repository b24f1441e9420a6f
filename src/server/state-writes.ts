import type { StateDatabase } from '#storage';
import { isOutage, type Clock } from '#telemetry';

/** For so long a failure counts where nothing has been written since: nobody tries in a server that has nothing to do. */
const failureCountsMs = 60_000;

/** Knows whether the state can be written, from what everybody's transactions came to. */
export class StateWrites {
  readonly #clock: Clock;
  #failure: { readonly reason: string; readonly atMs: number } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The same database, whose transactions are watched. */
  watch(database: StateDatabase): StateDatabase {
    return {
      dialect: database.dialect,
      reader: database.reader,
      close: () => database.close(),
      transaction: async (work, options) => {
        try {
          const result = await database.transaction(work, options);
          this.#failure = null;
          return result;
        } catch (thrown) {
          if (isOutage(thrown)) this.#failure = { reason: thrown.message, atMs: this.#clock.monotonicMs() };
          throw thrown;
        }
      },
    };
  }

  /** Why the state can't be written; null where it can, as far as anybody has tried lately. */
  get failure(): string | null {
    if (this.#failure === null) return null;
    const { reason, atMs } = this.#failure;
    return this.#clock.monotonicMs() - atMs < failureCountsMs ? reason : null;
  }
}

import { OmoiError } from '#telemetry';

/**
 * Queries that are evaluated side by side. One thread does it, and in each turn of its event loop every one of them
 * takes a slice of some milliseconds: more than a few would hold rules and heartbeats up.
 */
const maxRunningQueries = 4;
/** Queries that wait for their turn. */
const maxWaitingQueries = 200;

/** Lets few queries run at once; the others wait in order, as long as whoever asked is there. */
export class QueryTurns {
  #running = 0;
  readonly #waiting: Set<() => void> = new Set();

  /** @throws OmoiError `too_many_queries`; `query_timeout` where the signal is aborted meanwhile */
  async run<Result>(signal: AbortSignal, query: () => Promise<Result>): Promise<Result> {
    if (this.#running < maxRunningQueries) this.#running++;
    else await this.#turn(signal);
    try {
      return await query();
    } finally {
      const [next] = this.#waiting;
      // Whoever is next gets the place, so that nobody comes in between.
      if (next) next();
      else this.#running--;
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= maxWaitingQueries) {
      throw new OmoiError(
        'too_many_queries',
        `${maxRunningQueries} queries run and maxWaitingQueries (${maxWaitingQueries}) wait`,
      );
    }
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(begin);
        signal.removeEventListener('abort', giveUp);
      };
      const begin = (): void => {
        leave();
        resolve();
      };
      const giveUp = (): void => {
        leave();
        reject(new OmoiError('query_timeout', 'the query was cancelled', { limit: 'signal' }));
      };
      if (signal.aborted) return giveUp();
      this.#waiting.add(begin);
      signal.addEventListener('abort', giveUp);
    });
  }
}

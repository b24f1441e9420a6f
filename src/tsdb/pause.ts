import { OmoiError, type Clock } from '#telemetry';

/** How long work that may pause goes on at a stretch. */
const MAX_STRETCH_MS = 2;

/** Lets everything that waits for the event loop go first. */
export function pauseForEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Divides long work into pieces: whoever does it looks now and then whether the piece has been long enough. */
export class Stretch {
  readonly #clock: Clock;
  readonly #signal: AbortSignal | null;
  #startedMs: number;

  /** @param signal aborted when nobody waits for the work any more */
  constructor(clock: Clock, signal: AbortSignal | null = null) {
    this.#clock = clock;
    this.#signal = signal;
    this.#startedMs = clock.monotonicMs();
  }

  /** Whether it is time to `pause`. */
  get isOver(): boolean {
    return this.#clock.monotonicMs() - this.#startedMs >= MAX_STRETCH_MS;
  }

  /**
   * Gives the event loop a turn.
   * @throws OmoiError `query_timeout` where the work has been cancelled
   */
  async pause(): Promise<void> {
    await pauseForEventLoop();
    if (this.#signal?.aborted) {
      throw new OmoiError('query_timeout', 'the query was cancelled', { limit: 'signal' });
    }
    this.#startedMs = this.#clock.monotonicMs();
  }
}

import type { Clock } from '../time/clock.ts';

/** Resolves when everything that waits for the event loop has had its turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** How long work that may pause goes on at a stretch, unless it says otherwise. */
const DEFAULT_STRETCH_MS = 2;

export interface StretchOptions {
  readonly maxMs?: number;
  /** Called after every pause: throws where nobody waits for the work any more. */
  readonly afterPause?: () => void;
}

/**
 * Divides long work into pieces, so that nothing else waits for more than one: whoever does it asks now and then
 * whether the piece has been long enough, and pauses.
 */
export class Stretch {
  readonly #clock: Clock;
  readonly #maxMs: number;
  readonly #afterPause: (() => void) | null;
  #startedMs: number;

  constructor(clock: Clock, { maxMs = DEFAULT_STRETCH_MS, afterPause }: StretchOptions = {}) {
    this.#clock = clock;
    this.#maxMs = maxMs;
    this.#afterPause = afterPause ?? null;
    this.#startedMs = clock.monotonicMs();
  }

  /** Whether it is time to `pause`. */
  get isOver(): boolean {
    return this.#clock.monotonicMs() - this.#startedMs >= this.#maxMs;
  }

  /** Gives the event loop a turn and begins a new stretch; throws what `afterPause` throws. */
  async pause(): Promise<void> {
    await nextTurn();
    this.#afterPause?.();
    this.#startedMs = this.#clock.monotonicMs();
  }
}

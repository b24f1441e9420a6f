import type { Clock } from '../time/clock.ts';

/** Resolves when everything that waits for the event loop has had its turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Runs work that offers pauses, and takes one whenever a stretch has been long enough. */
export async function paced<Result>(work: Generator<void, Result>, stretch: Stretch): Promise<Result> {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    if (stretch.isOver) await stretch.pause();
  }
}

/** Runs work that offers pauses without taking any. */
export function unpaced<Result>(work: Generator<void, Result>): Result {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

/** How long work that may pause goes on at a stretch, unless it says otherwise. */
const DEFAULT_STRETCH_MS = 2;
/** A turn of the event loop that is shorter than this had nothing to do. */
const IDLE_TURN_MS = 0.25;

export interface StretchOptions {
  readonly maxMs?: number;
  /**
   * A pause goes on for as many turns of the event loop as others have work, but no longer than this: for work that
   * may take its time. Others are many who wait for each other, so that one turn does not bring them far.
   */
  readonly maxPauseMs?: number;
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
  readonly #maxPauseMs: number;
  readonly #afterPause: (() => void) | null;
  #startedMs: number;

  constructor(clock: Clock, { maxMs = DEFAULT_STRETCH_MS, maxPauseMs = 0, afterPause }: StretchOptions = {}) {
    this.#clock = clock;
    this.#maxMs = maxMs;
    this.#maxPauseMs = maxPauseMs;
    this.#afterPause = afterPause ?? null;
    this.#startedMs = clock.monotonicMs();
  }

  /** Whether it is time to `pause`. */
  get isOver(): boolean {
    return this.#clock.monotonicMs() - this.#startedMs >= this.#maxMs;
  }

  /** Gives the event loop a turn and begins a new stretch; throws what `afterPause` throws. */
  async pause(): Promise<void> {
    const pausedMs = this.#clock.monotonicMs();
    let turnedMs = pausedMs;
    for (;;) {
      await nextTurn();
      const nowMs = this.#clock.monotonicMs();
      if (nowMs - turnedMs < IDLE_TURN_MS || nowMs - pausedMs >= this.#maxPauseMs) break;
      turnedMs = nowMs;
    }
    this.#afterPause?.();
    this.#startedMs = this.#clock.monotonicMs();
  }
}

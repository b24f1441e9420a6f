import type { Clock } from '../time/clock.ts';
import { nextTurn } from './pacing.ts';

/** How long all work together goes on in one turn of the event loop, unless it says otherwise. */
const DEFAULT_STRETCH_MS = 3;

/**
 * What long works take of a turn of the event loop, together: however many there are at once, nothing else waits for more
 * than one stretch, and one piece of a work. Where several have not come to their end they go on in turn, a stretch each.
 */
export class SharedStretch {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #maxMs: number;
  readonly #waiting: (() => void)[] = [];
  /** When the first work of the present turn began; null while there was none. */
  #startedMs: number | null = null;
  /** Whether a piece of the present turn is done elsewhere. */
  #isGivenAway = false;

  constructor(clock: Pick<Clock, 'monotonicMs'>, { maxMs = DEFAULT_STRETCH_MS }: { maxMs?: number } = {}) {
    this.#clock = clock;
    this.#maxMs = maxMs;
  }

  /** Runs work that offers pauses: at once where there is room in this turn. Rejects with what it throws. */
  async run<Result>(work: Generator<void, Result>): Promise<Result> {
    if (this.#waiting.length > 0) await this.#place();
    try {
      for (;;) {
        if (this.#isOver()) await this.#place();
        this.#begin();
        const step = work.next();
        if (step.done) return step.value;
      }
    } finally {
      // Who waits behind it has the rest of the stretch.
      if (!this.#isOver()) this.#letNextGoOn();
    }
  }

  /**
   * Resolves when a piece may be done at once by something else, such as a stream that hands it on: as soon as there is room, one piece
   * a turn, whoever asks. What it takes counts as work of the turn.
   */
  async roomForPiece(): Promise<void> {
    if (this.#waiting.length > 0) await this.#place();
    while (this.#isGivenAway || this.#isOver()) await this.#place();
    this.#isGivenAway = true;
    this.#begin();
  }

  #isOver(): boolean {
    return this.#startedMs !== null && this.#clock.monotonicMs() - this.#startedMs >= this.#maxMs;
  }

  #begin(): void {
    if (this.#startedMs !== null) return;
    this.#startedMs = this.#clock.monotonicMs();
    void nextTurn().then(() => this.#beginTurn());
  }

  #beginTurn(): void {
    this.#startedMs = null;
    this.#isGivenAway = false;
    this.#letNextGoOn();
  }

  #place(): Promise<void> {
    return new Promise((goOn) => this.#waiting.push(goOn));
  }

  #letNextGoOn(): void {
    this.#waiting.shift()?.();
  }
}

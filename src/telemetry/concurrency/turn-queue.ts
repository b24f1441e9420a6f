import { nextTurn } from './pacing.ts';

/**
 * Small pieces of work of which thousands may come at once: at most so many are done in a turn of the event loop. The
 * first are done at once, the others in later turns, in the order in which they came.
 */
export class TurnQueue {
  readonly #maxPerTurn: number;
  readonly #waiting: (() => void)[] = [];
  #done = 0;

  constructor(maxPerTurn: number) {
    this.#maxPerTurn = maxPerTurn;
  }

  /** @param piece does not throw */
  run(piece: () => void): void {
    if (this.#done < this.#maxPerTurn && this.#waiting.length === 0) this.#do(piece);
    else this.#waiting.push(piece);
  }

  #do(piece: () => void): void {
    if (this.#done++ === 0) void nextTurn().then(() => this.#goOn());
    piece();
  }

  #goOn(): void {
    this.#done = 0;
    let count = 0;
    // They stay in the queue meanwhile, so that what a piece brings in comes after all of them.
    for (; count < this.#maxPerTurn; count++) {
      const piece = this.#waiting[count];
      if (!piece) break;
      this.#do(piece);
    }
    this.#waiting.splice(0, count);
  }
}

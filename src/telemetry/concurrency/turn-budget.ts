import { nextTurn } from './pacing.ts';

/**
 * What all who share it may do in one turn of the event loop, in a unit of theirs (bytes, rows). What finds no room waits
 * for a later turn, in the order in which it came.
 */
export class TurnBudget {
  readonly #maxPerTurn: number;
  readonly #waiting: { readonly units: number; readonly begin: () => void }[] = [];
  #used = 0;

  constructor(maxPerTurn: number) {
    this.#maxPerTurn = maxPerTurn;
  }

  /** Whether so much may be done now; it is counted then. What is larger than a turn may be has one for itself. */
  tryTake(units: number): boolean {
    return this.#waiting.length === 0 && this.#use(units);
  }

  /** Resolves when so much may be done: at once where there is room in this turn. */
  take(units: number): Promise<void> {
    if (this.tryTake(units)) return Promise.resolve();
    return new Promise((begin) => this.#waiting.push({ units, begin }));
  }

  #use(units: number): boolean {
    if (this.#used > 0 && this.#used + units > this.#maxPerTurn) return false;
    if (this.#used === 0) void nextTurn().then(() => this.#beginTurn());
    this.#used += units;
    return true;
  }

  #beginTurn(): void {
    this.#used = 0;
    let count = 0;
    for (const { units, begin } of this.#waiting) {
      if (!this.#use(units)) break;
      count++;
      begin();
    }
    this.#waiting.splice(0, count);
  }
}

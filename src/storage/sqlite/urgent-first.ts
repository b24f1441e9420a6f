/** Less than any turn takes. */
const NEXT_TO_NOTHING_MS = Number.MIN_VALUE;

/**
 * Things that wait for their turn, in two lines. Urgent ones go first; so that the others are not kept waiting by a
 * flood of them, each line gets the next turn when it has used less time than the other since the last `restart`.
 */
export class UrgentFirst<Item> {
  readonly #urgent: Item[] = [];
  readonly #others: Item[] = [];
  #urgentMs = 0;
  #othersMs = 0;

  get size(): number {
    return this.#urgent.length + this.#others.length;
  }

  get hasUrgent(): boolean {
    return this.#urgent.length > 0;
  }

  push(item: Item, urgent: boolean): void {
    (urgent ? this.#urgent : this.#others).push(item);
  }

  /**
   * Both lines have used nothing: an urgent one is next, but where others wait and had no turn since the last `restart`.
   * Each urgent one may take longer than it is between two of those.
   */
  restart(): void {
    const areOthersDue = this.#urgentMs > 0 && this.#othersMs === 0 && this.#others.length > 0;
    this.#urgentMs = areOthersDue ? NEXT_TO_NOTHING_MS : 0;
    this.#othersMs = 0;
  }

  /** Takes the next one out, null where none waits; `used` tells what its turn took, ms. */
  next(): { readonly item: Item; readonly used: (ms: number) => void } | null {
    const urgentIsNext = this.#urgentMs <= this.#othersMs || this.#others.length === 0;
    const urgent = urgentIsNext ? this.#urgent.shift() : undefined;
    if (urgent !== undefined) return { item: urgent, used: (ms) => (this.#urgentMs += ms) };
    const other = this.#others.shift();
    return other === undefined ? null : { item: other, used: (ms) => (this.#othersMs += ms) };
  }

  /** Takes all out. */
  clear(): readonly Item[] {
    return [...this.#urgent.splice(0), ...this.#others.splice(0)];
  }
}

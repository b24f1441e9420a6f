/** What falls due within so many ms of each other is kept together. */
const SLOT_MS = 10;

/**
 * What falls due at which monotonic time: looking for it costs what is found, not what is kept. Nothing is told too
 * early, nor more than `SLOT_MS` too late; what was overdue when it was set falls due then.
 */
export class DueTimes<Item> {
  readonly #slots = new Map<number, Set<Item>>();
  readonly #slotOf = new Map<Item, number>();
  /** Nothing is kept before this slot … */
  #first: number;
  /** … and nothing is put before this one, which is a later one while what is due is being taken. */
  #open: number;

  constructor(nowMs: number) {
    this.#first = this.#open = Math.floor(nowMs / SLOT_MS);
  }

  get size(): number {
    return this.#slotOf.size;
  }

  /** From now on the item falls due at this time, and at no other. */
  set(item: Item, atMs: number): void {
    this.delete(item);
    const number = Math.max(this.#open, Math.ceil(atMs / SLOT_MS));
    const slot = this.#slots.get(number);
    if (slot) slot.add(item);
    else this.#slots.set(number, new Set([item]));
    this.#slotOf.set(item, number);
  }

  delete(item: Item): void {
    const number = this.#slotOf.get(item);
    if (number === undefined) return;
    this.#slotOf.delete(item);
    const slot = this.#slots.get(number);
    slot?.delete(item);
    if (slot?.size === 0) this.#slots.delete(number);
  }

  /**
   * What is due by now, the longest due first. What was given out is kept no more; who stops reading leaves the rest.
   * An item that is set anew meanwhile comes the next time at the earliest.
   */
  *take(nowMs: number): Generator<Item, void, void> {
    const last = Math.floor(nowMs / SLOT_MS);
    this.#open = Math.max(this.#open, last + 1);
    try {
      for (; this.#first <= last; this.#first = this.#slotOf.size === 0 ? last + 1 : this.#first + 1) {
        for (const item of this.#slots.get(this.#first) ?? []) {
          this.delete(item);
          yield item;
        }
      }
    } finally {
      this.#open = this.#first;
    }
  }
}

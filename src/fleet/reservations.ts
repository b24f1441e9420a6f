/**
 * Room for what is being committed. Memory counts it after its commit only, and what comes at once would all see the
 * same room.
 */
export class Reservations {
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** @returns gives it back, once: where it is committed before it is counted, and where it has failed */
  take(count: number): () => void {
    this.#count += count;
    let isHeld = true;
    return () => {
      if (isHeld) this.#count -= count;
      isHeld = false;
    };
  }
}

/** Runs pieces of work one after the other, in the order in which they were handed in. One that fails stops no other. */
export class SerialQueue {
  #last: Promise<unknown> | null = null;

  /** Whether nothing runs and nothing waits. */
  get isIdle(): boolean {
    return this.#last === null;
  }

  /**
   * Runs `work` when everything before it has settled: in this very turn of the event loop where nothing runs.
   * @returns what `work` returns; rejects as `work` does
   */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last === null ? work() : this.#last.then(work);
    const settled: Promise<void> = result.then(
      () => this.#settle(settled),
      () => this.#settle(settled),
    );
    this.#last = settled;
    return result;
  }

  /** Resolves when all that has been handed in until now has settled. */
  async settled(): Promise<void> {
    await this.#last;
  }

  #settle(work: Promise<void>): void {
    if (this.#last === work) this.#last = null;
  }
}

/** A serial queue for each key; work of different keys runs side by side. Keys without work take no memory. */
export class KeyedSerialQueue<Key> {
  readonly #queues = new Map<Key, SerialQueue>();

  /** Keys with work that runs or waits. */
  get size(): number {
    return this.#queues.size;
  }

  /** Whether nothing of this key runs or waits. */
  isIdle(key: Key): boolean {
    return !this.#queues.has(key);
  }

  /** As `SerialQueue.run`, behind the work of the same key alone. */
  run<Result>(key: Key, work: () => Promise<Result>): Promise<Result> {
    const known = this.#queues.get(key);
    const queue = known ?? new SerialQueue();
    if (!known) this.#queues.set(key, queue);
    const result = queue.run(work);
    const forget = (): void => {
      if (queue.isIdle && this.#queues.get(key) === queue) this.#queues.delete(key);
    };
    result.then(forget, forget);
    return result;
  }

  /** Resolves when all that has been handed in until now has settled. */
  async settled(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.settled()));
  }
}

import { isRefusal, type Clock, type Timer } from '#telemetry';

export interface BatchWriterOptions<Item> {
  readonly write: (items: readonly Item[]) => Promise<void>;
  readonly clock: Clock;
  /** The oldest go first where more than this wait. */
  readonly maxQueued: number;
  readonly maxPerWrite: number;
  /** How long an item waits for others at most. */
  readonly delayMs: number;
  readonly onDropped: (count: number) => void;
  /** A write failed; what it carried is tried again after the delay. `inARow` is 1 where the one before went well. */
  readonly onFailure: (error: unknown, inARow: number) => void;
  /** A write went well again after so many that failed. */
  readonly onRecovered?: (failures: number) => void;
  /** An item can never be written, whenever it is tried; it is dropped. */
  readonly onRefused: (error: unknown) => void;
}

/** Gathers items and writes them in batches. Never makes the one who adds wait, and never grows without bound. */
export class BatchWriter<Item> {
  readonly #options: BatchWriterOptions<Item>;
  #queue: Item[] = [];
  #timer: Timer | null = null;
  #writing: Promise<void> | null = null;
  #failuresInARow = 0;

  constructor(options: BatchWriterOptions<Item>) {
    this.#options = options;
  }

  get queued(): number {
    return this.#queue.length;
  }

  add(item: Item): void {
    this.#queue.push(item);
    this.#keepBound();
    if (this.#queue.length === this.#options.maxPerWrite) void this.flush();
    else this.#schedule();
  }

  /** Writes all that was added before the call, as far as it can be written now. */
  async flush(): Promise<void> {
    await this.#writing;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null;
    });
    await this.#writing;
  }

  /** Flushes a last time. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.flush();
    this.#timer?.cancel();
  }

  async #writeAll(): Promise<void> {
    const { maxPerWrite } = this.#options;
    this.#timer?.cancel();
    this.#timer = null;
    let waiting = this.#queue.length;
    while (waiting > 0) {
      const batch = this.#queue.splice(0, Math.min(waiting, maxPerWrite));
      waiting -= batch.length;
      const left = await this.#writeBatch(batch);
      if (left.length === 0) continue;
      this.#queue = [...left, ...this.#queue];
      this.#keepBound();
      break;
    }
    if (this.#queue.length > 0) this.#schedule();
  }

  /**
   * Writes a batch, one by one where it is refused as a whole, so that an item that can never be written holds up no
   * other. Never rejects.
   * @returns what is to be tried again
   */
  async #writeBatch(batch: readonly Item[]): Promise<readonly Item[]> {
    const { write, onFailure, onRefused } = this.#options;
    try {
      await write(batch);
      this.#recovered();
      return [];
    } catch (error) {
      if (!isRefusal(error)) {
        onFailure(error, ++this.#failuresInARow);
        return batch;
      }
      if (batch.length === 1) {
        onRefused(error);
        return [];
      }
    }
    for (const [at, item] of batch.entries()) {
      const left = await this.#writeBatch([item]);
      if (left.length > 0) return batch.slice(at);
    }
    return [];
  }

  #recovered(): void {
    const failures = this.#failuresInARow;
    if (failures === 0) return;
    this.#failuresInARow = 0;
    this.#options.onRecovered?.(failures);
  }

  #schedule(): void {
    this.#timer ??= this.#options.clock.after(this.#options.delayMs, () => {
      this.#timer = null;
      void this.flush();
    });
  }

  #keepBound(): void {
    const excess = this.#queue.length - this.#options.maxQueued;
    if (excess <= 0) return;
    this.#queue.splice(0, excess);
    this.#options.onDropped(excess);
  }
}

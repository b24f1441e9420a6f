import { messageOf, type Logger } from '#telemetry';

export interface FairQueueOptions {
  /** So many pieces of work run at once. */
  readonly maxRunning: number;
  readonly logger: Logger;
}

/**
 * Runs much work that may wait: in order within a lane, and the lanes in turn, so that a lane with little work does
 * not stand behind one with much.
 */
export class FairQueue {
  readonly #options: FairQueueOptions;
  /** The lane at the front is served next; one without work is not here. */
  readonly #lanes = new Map<string, (() => Promise<void>)[]>();
  #running = 0;

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  /** Whether work of a lane has not begun yet. */
  isWaiting(lane: string): boolean {
    return this.#lanes.has(lane);
  }

  /** @param work must not reject */
  push(lane: string, work: () => Promise<void>): void {
    const waiting = this.#lanes.get(lane);
    if (waiting) waiting.push(work);
    else this.#lanes.set(lane, [work]);
    this.#fill();
  }

  /** Nothing more is begun. */
  clear(): void {
    this.#lanes.clear();
  }

  #fill(): void {
    const { maxRunning, logger } = this.#options;
    while (this.#running < maxRunning) {
      const work = this.#next();
      if (!work) return;
      this.#running++;
      work()
        .catch((thrown: unknown) => {
          logger.error(
            { error: messageOf(thrown) },
            'Remediation not decided, for a reason of the server’s own; others go on',
          );
        })
        .finally(() => {
          this.#running--;
          this.#fill();
        });
    }
  }

  #next(): (() => Promise<void>) | null {
    for (const [lane, waiting] of this.#lanes) {
      const work = waiting.shift();
      this.#lanes.delete(lane);
      if (waiting.length > 0) this.#lanes.set(lane, waiting);
      if (work) return work;
    }
    return null;
  }
}

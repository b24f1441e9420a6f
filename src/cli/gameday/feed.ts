import { randomUUID } from 'node:crypto';
import { messageOf } from '#telemetry';
import { note } from '../terminal/print.ts';

/** What a feed needs of the fleet. */
export interface FeedFleet {
  enqueue(tasks: readonly object[]): Promise<void>;
  load(): Promise<Load>;
}

/** How the fleet stands with its work, all phases together. */
export interface Load {
  /** Ever. */
  readonly completed: number;
  readonly queued: number;
}

const TICK_MS = 100;
const LOOK_EVERY_MS = 1000;
/** What a fleet can do is measured over this long. */
const WINDOW_MS = 5000;

interface Look extends Load {
  readonly at: number;
  readonly fed: number;
}

/**
 * A load that goes on until it is stopped: a steady rate by the clock, where a tick that comes late enqueues what it
 * owes. Where it follows the capacity, the rate is what the fleet was seen to bear.
 */
export class Feed {
  readonly #fleet: FeedFleet;
  readonly #task: object;
  readonly #fullRate: number;
  readonly #timers: NodeJS.Timeout[] = [];
  #rate: number;
  #owed = 0;
  #fed = 0;
  #tickedAt = performance.now();
  #sending = false;

  /** @param ratePerSecond tasks a second, the most that it ever feeds */
  constructor(fleet: FeedFleet, options: { readonly ratePerSecond: number; readonly task: object }) {
    this.#fleet = fleet;
    this.#task = options.task;
    this.#fullRate = options.ratePerSecond;
    this.#rate = options.ratePerSecond;
    this.#timers.push(setInterval(() => void this.#tick(), TICK_MS));
  }

  /** From now on all that arrives, from whomever, shall be at most `share` of what the fleet completes. */
  followCapacity(share: number): void {
    const looks: Look[] = [];
    const look = async (): Promise<void> => {
      try {
        const at = performance.now();
        looks.push({ ...(await this.#fleet.load()), at, fed: this.#fed });
        while ((looks[0]?.at ?? at) < at - WINDOW_MS) looks.shift();
        this.#rate = Math.min(this.#fullRate, bearableRate(looks, share) ?? this.#rate);
      } catch (thrown) {
        note(`the load was not looked at: ${messageOf(thrown)}`);
      }
    };
    this.#timers.push(setInterval(() => void look(), LOOK_EVERY_MS));
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  async #tick(): Promise<void> {
    const now = performance.now();
    this.#owed += ((now - this.#tickedAt) / 1000) * this.#rate;
    this.#tickedAt = now;
    const count = Math.floor(this.#owed);
    if (this.#sending || count <= 0) return;
    this.#sending = true;
    try {
      await this.#fleet.enqueue(
        Array.from({ length: count }, () => ({ ...this.#task, idempotency_key: randomUUID() })),
      );
      this.#owed -= count;
      this.#fed += count;
    } catch (thrown) {
      note(`a batch of tasks was not enqueued: ${messageOf(thrown)}`);
    } finally {
      this.#sending = false;
    }
  }
}

/**
 * How much a feed may add, in tasks a second, so that arrivals are `share` of what was completed while tasks waited
 * (which is the fleet's capacity); null where the looks do not tell, since nothing waited.
 */
export function bearableRate(looks: readonly Look[], share: number): number | null {
  const first = looks[0];
  const last = looks.at(-1);
  if (!first || !last || last.at <= first.at || looks.some(({ queued }) => queued === 0)) return null;
  const seconds = (last.at - first.at) / 1000;
  const capacity = (last.completed - first.completed) / seconds;
  const arrivals = capacity + (last.queued - first.queued) / seconds;
  const others = Math.max(0, arrivals - (last.fed - first.fed) / seconds);
  return Math.max(0, share * capacity - others);
}

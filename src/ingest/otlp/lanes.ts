import { SerialQueue, type Clock } from '#telemetry';
import { otlpStretch } from './otlp-stretch.ts';

/** Bodies of up to 256 KiB are small: they take milliseconds, and wait for each other alone. */
export const maxSmallBodyBytes = 256 * 1024;

export type Lane = 'small' | 'large';

/** Where a body of this length belongs. */
export function laneOf(bytes: number): Lane {
  return bytes > maxSmallBodyBytes ? 'large' : 'small';
}

/** Who writes in a request; null stands for everyone. */
export type WriterKeys = ReadonlySet<string> | null;

/**
 * Two lines of requests: in each, one request at a time is worked on, so that several don't make long turns of the
 * event loop together, and a small one overtakes large ones. Two requests of one writer never overtake each other:
 * the older one's samples would be refused as out of order.
 */
export class Lanes {
  readonly #clock: Clock;
  readonly #queues: Readonly<Record<Lane, SerialQueue>> = {
    small: new SerialQueue(),
    large: new SerialQueue(),
  };
  /** Requests of the large lane that are not done, by who writes in them, and those that stand for everyone. */
  readonly #waiting = new Map<string, number>();
  #waitingForAll = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs work when no other of its lane is worked on, and lets the event loop turn after it. */
  run<Result>(lane: Lane, work: () => Promise<Result>): Promise<Result> {
    return this.#queues[lane].run(async () => {
      try {
        return await work();
      } finally {
        await otlpStretch(this.#clock).pause();
      }
    });
  }

  /**
   * The same, behind all work of the same writers that was handed in before.
   * @param work gets the lane that it runs in: a small request goes behind the large ones of its writers
   */
  runInOrder<Result>(
    lane: Lane,
    writers: WriterKeys,
    work: (lane: Lane) => Promise<Result>,
  ): Promise<Result> {
    if (lane === 'small' && !this.#isLarge(writers)) return this.run('small', () => work('small'));
    // Small ones never wait for large ones, so that the two lanes don't wait for each other.
    const smallBefore = this.#queues.small.settled();
    this.#count(writers, 1);
    return this.run('large', async () => {
      try {
        await smallBefore;
        return await work('large');
      } finally {
        this.#count(writers, -1);
      }
    });
  }

  /** Whether a request of any of them is in the large lane. */
  #isLarge(writers: WriterKeys): boolean {
    if (writers === null) return this.#waitingForAll > 0 || this.#waiting.size > 0;
    if (this.#waitingForAll > 0) return true;
    for (const writer of writers) if (this.#waiting.has(writer)) return true;
    return false;
  }

  #count(writers: WriterKeys, by: 1 | -1): void {
    if (writers === null) {
      this.#waitingForAll += by;
      return;
    }
    for (const writer of writers) {
      const count = (this.#waiting.get(writer) ?? 0) + by;
      if (count === 0) this.#waiting.delete(writer);
      else this.#waiting.set(writer, count);
    }
  }
}

import type { SeriesRef } from '#telemetry';

/** For how long the end of a series is remembered. Evaluation times are ahead of the clock by 5 s at most. */
const REMEMBERED_MS = 10_000;

/**
 * Which series rules keep. Two rules may write the same one: a rule that was moved to another group begins before the one
 * of before has ended, and two rules may give the same labels. It ends with the last of them, and goes on after that end.
 */
export class SeriesHolders {
  readonly #holders = new Map<SeriesRef, number>();
  /** When series ended lately, the first first. */
  readonly #endedAtMs = new Map<SeriesRef, number>();

  hold(ref: SeriesRef): void {
    this.#holders.set(ref, (this.#holders.get(ref) ?? 0) + 1);
  }

  /** @returns whether nobody holds the series any more: it ends at that time */
  release(ref: SeriesRef, timeMs: number): boolean {
    const others = (this.#holders.get(ref) ?? 1) - 1;
    if (others > 0) {
      this.#holders.set(ref, others);
      return false;
    }
    this.#holders.delete(ref);
    for (const [ended, endedAtMs] of this.#endedAtMs) {
      if (endedAtMs > timeMs - REMEMBERED_MS) break;
      this.#endedAtMs.delete(ended);
    }
    this.#endedAtMs.delete(ref);
    this.#endedAtMs.set(ref, timeMs);
    return true;
  }

  /** The time at which a sample of then can be written: a series has one sample a time, and its end may have taken it. */
  dateOf(ref: SeriesRef, timeMs: number): number {
    const endedAtMs = this.#endedAtMs.get(ref);
    return endedAtMs !== undefined && endedAtMs >= timeMs ? endedAtMs + 1 : timeMs;
  }
}

import type { ChunkId } from '../chunk/chunk-table.ts';

/**
 * The chunks of one series by their times, for who asks many times which of them may hold a moment: those of late
 * samples lie anywhere in the chain, which would be walked as a whole each time.
 */
export class ChunkSpans {
  /** In the order of their first samples. */
  readonly #ids: ChunkId[] = [];
  readonly #minMs: number[] = [];
  readonly #maxMs: number[] = [];
  /** The newest sample of the chunks up to this one. */
  readonly #reachMs: number[] = [];

  /** @param minMs the time of its first sample, `maxMs` of its last */
  add(id: ChunkId, minMs: number, maxMs: number): void {
    const place = this.#endOf(minMs);
    this.#ids.splice(place, 0, id);
    this.#minMs.splice(place, 0, minMs);
    this.#maxMs.splice(place, 0, maxMs);
    this.#reachMs.splice(place, 0, -Infinity);
    let reachMs = place === 0 ? -Infinity : (this.#reachMs[place - 1] ?? -Infinity);
    for (let at = place; at < this.#ids.length; at++) {
      reachMs = Math.max(reachMs, this.#maxMs[at] ?? -Infinity);
      // What comes later reaches as far as before.
      if (this.#reachMs[at] === reachMs) return;
      this.#reachMs[at] = reachMs;
    }
  }

  /** The chunks whose first sample is not after the moment and whose last one is not before it. */
  at(timeMs: number): readonly ChunkId[] {
    const found: ChunkId[] = [];
    for (let at = this.#endOf(timeMs) - 1; at >= 0 && (this.#reachMs[at] ?? 0) >= timeMs; at--) {
      if ((this.#maxMs[at] ?? 0) >= timeMs) found.push(this.#ids[at] ?? 0);
    }
    return found;
  }

  /** How many chunks begin at the moment or before it. */
  #endOf(timeMs: number): number {
    let low = 0;
    let high = this.#ids.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#minMs[middle] ?? 0) <= timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

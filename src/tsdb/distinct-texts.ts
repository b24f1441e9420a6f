import type { Stretch } from '#telemetry';

/** Texts that are sorted in one go: about a millisecond. */
const RUN_TEXTS = 2048;
/** Texts merged between two looks at the clock. */
const TEXTS_PER_LOOK = 512;

/** Some of what was found, and whether there is more. */
export interface Found<Item> {
  readonly items: readonly Item[];
  readonly isTruncated: boolean;
}

/**
 * Gathers texts and gives them back sorted, each once: in sorted runs that are merged at the end, because a set or
 * a sort of a million would hold everything else up. Under a limit that is small only the first ones are kept.
 */
export class DistinctTexts {
  readonly #limit: number;
  readonly #keepsFew: boolean;
  #run = new Set<string>();
  #runs: string[][] = [];
  /** The last of the few that are kept: what is not before it does not count. */
  #ceiling: string | null = null;

  /** @param limit how many are wanted at most */
  constructor(limit = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
    this.#keepsFew = limit < RUN_TEXTS / 2;
  }

  add(text: string): void {
    if (this.#ceiling !== null && text >= this.#ceiling) return;
    this.#run.add(text);
    if (this.#run.size >= RUN_TEXTS) this.#endRun();
  }

  /** What was gathered, sorted in code-unit order. */
  async take(stretch: Stretch): Promise<Found<string>> {
    this.#endRun();
    let runs = this.#keepsFew ? [[...this.#run].sort()] : this.#runs;
    while (runs.length > 1) {
      const merged: string[][] = [];
      for (let at = 0; at < runs.length; at += 2) {
        merged.push(await mergeInSlices(runs[at] ?? [], runs[at + 1] ?? [], stretch));
      }
      runs = merged;
    }
    const sorted = runs[0] ?? [];
    const isTruncated = sorted.length > this.#limit;
    return { items: isTruncated ? sorted.slice(0, this.#limit) : sorted, isTruncated };
  }

  #endRun(): void {
    const sorted = [...this.#run].sort();
    if (!this.#keepsFew) {
      if (sorted.length > 0) this.#runs.push(sorted);
      this.#run = new Set();
    } else if (sorted.length > this.#limit) {
      // One more than is wanted tells that there are more.
      const kept = sorted.slice(0, this.#limit + 1);
      this.#run = new Set(kept);
      this.#ceiling = kept.at(-1) ?? null;
    }
  }
}

/** One sorted list of two, without what is in both a second time. */
async function mergeInSlices(
  left: readonly string[],
  right: readonly string[],
  stretch: Stretch,
): Promise<string[]> {
  // Of its full length at once: to grow to a million by and by copies it again and again.
  const merged: string[] = [];
  merged.length = left.length + right.length;
  let count = 0;
  let l = 0;
  let r = 0;
  for (let steps = 0; l < left.length || r < right.length; steps++) {
    if (steps % TEXTS_PER_LOOK === 0 && stretch.isOver) await stretch.pause();
    const leftText = left[l];
    const rightText = right[r];
    if (rightText === undefined || (leftText !== undefined && leftText <= rightText)) {
      merged[count++] = leftText ?? '';
      if (leftText === rightText) r++;
      l++;
    } else {
      merged[count++] = rightText;
      r++;
    }
  }
  merged.length = count;
  return merged;
}

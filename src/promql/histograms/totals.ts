import type { HistogramValue } from '#telemetry';
import { nextCompensation } from '../evaluation/kahan.ts';
import { alignLayouts, combinedResetHint } from './arithmetic.ts';
import { closeHistogram, openHistogram, type Buckets, type OpenHistogram } from './open-histogram.ts';
import { divideHistogram } from './scaling.ts';
import { sameBounds, usesCustomBuckets } from './schema.ts';

/** Puts histograms together one by one. */
export interface HistogramFold {
  /** False, and nothing changed, where exponential and custom buckets do not go together. */
  add(histogram: HistogramValue): boolean;
  /** Whether some histograms say that their counter was reset and others that it was not. */
  readonly counterResetCollision: boolean;
  readonly boundsReconciled: boolean;
  /** Only after at least one histogram. */
  result(): HistogramValue;
}

/** The low-order bits that plain addition of histograms would lose (see `nextCompensation`). */
interface Rests {
  count: number;
  sum: number;
  zeroCount: number;
  positive: Map<number, number>;
  negative: Map<number, number>;
}

function noRests(): Rests {
  return { count: 0, sum: 0, zeroCount: 0, positive: new Map(), negative: new Map() };
}

/** The compensated sum of histograms. */
class CompensatedSum {
  #total: OpenHistogram;
  #rests: Rests = noRests();
  boundsReconciled = false;

  constructor(first: HistogramValue) {
    this.#total = openHistogram(first);
  }

  add(histogram: HistogramValue): void {
    const other = openHistogram(histogram);
    const total = this.#total;
    const rests = this.#rests;
    if (!haveSameLayout(total, other)) this.#foldRests();
    if (alignLayouts(total, other)) this.boundsReconciled = true;
    total.counterReset = combinedResetHint(total.counterReset, other.counterReset).hint;
    rests.count = nextCompensation(total.count, other.count, rests.count);
    total.count += other.count;
    rests.sum = nextCompensation(total.sum, other.sum, rests.sum);
    total.sum += other.sum;
    rests.zeroCount = nextCompensation(total.zeroCount, other.zeroCount, rests.zeroCount);
    total.zeroCount += other.zeroCount;
    total.positive = addCompensated(total.positive, other.positive, rests.positive);
    total.negative = addCompensated(total.negative, other.negative, rests.negative);
  }

  scale(factor: number): void {
    const total = this.#total;
    const rests = this.#rests;
    for (const part of [total, rests]) {
      part.count *= factor;
      part.sum *= factor;
      part.zeroCount *= factor;
    }
    for (const side of ['positive', 'negative'] as const) {
      total[side].counts = total[side].counts.map((count) => count * factor);
      for (const [index, rest] of rests[side]) rests[side].set(index, rest * factor);
    }
  }

  get overflows(): boolean {
    const { count, sum, zeroCount, positive, negative } = this.#total;
    return [count, sum, zeroCount, ...positive.counts, ...negative.counts].some(
      (value) => value === Infinity || value === -Infinity,
    );
  }

  result(): HistogramValue {
    const total = this.#total;
    const rests = this.#rests;
    return closeHistogram({
      ...total,
      count: total.count + rests.count,
      sum: total.sum + rests.sum,
      zeroCount: total.zeroCount + rests.zeroCount,
      positive: withRests(total.positive, rests.positive),
      negative: withRests(total.negative, rests.negative),
    });
  }

  /** Adds the buckets' rests to their counts: they are kept by index, which a change of the layout changes. */
  #foldRests(): void {
    const { positive, negative } = this.#rests;
    this.#total.positive = withRests(this.#total.positive, positive);
    this.#total.negative = withRests(this.#total.negative, negative);
    positive.clear();
    negative.clear();
  }
}

function haveSameLayout(left: OpenHistogram, right: OpenHistogram): boolean {
  return (
    left.schema === right.schema &&
    left.zeroThreshold === right.zeroThreshold &&
    sameBounds(left.customBounds, right.customBounds)
  );
}

function addCompensated(total: Buckets, other: Buckets, rests: Map<number, number>): Buckets {
  const indexes: number[] = [];
  const counts: number[] = [];
  let a = 0;
  let b = 0;
  while (a < total.indexes.length || b < other.indexes.length) {
    const left = total.indexes[a] ?? Infinity;
    const right = other.indexes[b] ?? Infinity;
    const index = Math.min(left, right);
    const sum = left <= right ? (total.counts[a++] ?? 0) : 0;
    const added = right <= left ? (other.counts[b++] ?? 0) : 0;
    indexes.push(index);
    counts.push(sum + added);
    const rest = nextCompensation(sum, added, rests.get(index) ?? 0);
    if (rest !== 0) rests.set(index, rest);
    else rests.delete(index);
  }
  return { indexes, counts };
}

function withRests({ indexes, counts }: Buckets, rests: ReadonlyMap<number, number>): Buckets {
  return { indexes, counts: counts.map((count, at) => count + (rests.get(indexes[at] ?? 0) ?? 0)) };
}

/** Watches the counter reset hints of what is put together. */
class ResetHints {
  #reset = false;
  #notReset = false;

  see({ counterReset }: HistogramValue): void {
    if (counterReset === 'reset') this.#reset = true;
    else if (counterReset === 'not_reset') this.#notReset = true;
  }

  get collide(): boolean {
    return this.#reset && this.#notReset;
  }
}

/** The sum of histograms. */
export class HistogramTotal implements HistogramFold {
  readonly #hints = new ResetHints();
  #first: HistogramValue | null = null;
  #sum: CompensatedSum | null = null;

  add(histogram: HistogramValue): boolean {
    if (this.#first && usesCustomBuckets(this.#first) !== usesCustomBuckets(histogram)) return false;
    this.#first ??= histogram;
    this.#hints.see(histogram);
    if (this.#sum) this.#sum.add(histogram);
    else this.#sum = new CompensatedSum(histogram);
    return true;
  }

  get counterResetCollision(): boolean {
    return this.#hints.collide;
  }

  get boundsReconciled(): boolean {
    return this.#sum?.boundsReconciled ?? false;
  }

  result(): HistogramValue {
    if (!this.#sum) throw new Error('no histogram has been added');
    return this.#sum.result();
  }
}

/**
 * The mean of histograms: their sum divided, or, from where that sum would overflow, an incremental mean (as the
 * mean of floats).
 */
export class HistogramMean implements HistogramFold {
  readonly #hints = new ResetHints();
  readonly #added: HistogramValue[] = [];
  #sum: CompensatedSum | null = null;
  #isIncremental = false;

  add(histogram: HistogramValue): boolean {
    const [first] = this.#added;
    if (first && usesCustomBuckets(first) !== usesCustomBuckets(histogram)) return false;
    this.#hints.see(histogram);
    this.#added.push(histogram);
    if (!this.#sum) this.#sum = new CompensatedSum(histogram);
    else if (this.#isIncremental) this.#addIncrementally(histogram);
    else {
      this.#sum.add(histogram);
      if (this.#sum.overflows) this.#turnIncremental(histogram);
    }
    return true;
  }

  get counterResetCollision(): boolean {
    return this.#hints.collide;
  }

  get boundsReconciled(): boolean {
    return this.#sum?.boundsReconciled ?? false;
  }

  result(): HistogramValue {
    if (!this.#sum) throw new Error('no histogram has been added');
    const total = this.#sum.result();
    return this.#isIncremental ? total : divideHistogram(total, this.#added.length);
  }

  /** Takes the last histogram out of the sum again and goes on with the mean of the others. */
  #turnIncremental(last: HistogramValue): void {
    const [first, ...others] = this.#added.slice(0, -1);
    if (!first) return;
    const mean = new CompensatedSum(first);
    for (const histogram of others) mean.add(histogram);
    mean.scale(1 / (this.#added.length - 1));
    this.#sum = mean;
    this.#isIncremental = true;
    this.#addIncrementally(last);
  }

  #addIncrementally(histogram: HistogramValue): void {
    const count = this.#added.length;
    this.#sum?.scale((count - 1) / count);
    this.#sum?.add(divideHistogram(histogram, count));
  }
}

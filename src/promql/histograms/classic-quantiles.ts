import type { MonotonicityExtent } from '../annotations.ts';

/** Counts that differ by less than this share differ by rounding only. */
const ROUNDING_TOLERANCE = 1e-12;
/** Below the smallest normal number relative differences mean nothing. */
const MIN_NORMAL = 2.2250738585072014e-308;

/** Where buckets had to be corrected so that counts grow with the bound; null where none had to. */
export type Correction = Omit<MonotonicityExtent, 'minTimeMs' | 'maxTimeMs' | 'samples'> | null;

/**
 * The buckets of one classic histogram after the other: how many observations lie at or below each bound. The arrays
 * are used again, so that a histogram costs none.
 */
export class ClassicBuckets {
  #bounds = new Float64Array(16);
  #counts = new Float64Array(16);
  #length = 0;
  #isMonotonic = false;
  #correction: Correction = null;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** Begins another histogram. */
  clear(): void {
    this.#length = 0;
    this.#isMonotonic = false;
    this.#correction = null;
  }

  /** Adds a bucket; they come in the order of their bounds. Those of equal bounds are added up. */
  add(upperBound: number, count: number): void {
    const last = this.#length - 1;
    if (last >= 0 && this.#bounds[last] === upperBound) {
      this.#counts[last] = (this.#counts[last] ?? 0) + count;
      return;
    }
    if (this.#length === this.#bounds.length) {
      this.#bounds = doubled(this.#bounds);
      this.#counts = doubled(this.#counts);
    }
    this.#bounds[this.#length] = upperBound;
    this.#counts[this.#length++] = count;
  }

  /**
   * The φ-quantile, interpolated linearly within its bucket; the lowest bucket begins at 0 where its bound is
   * positive, and from the highest bucket the answer is its lower bound. NaN without observations, with fewer than two
   * buckets, or without a +Inf bucket. As in Prometheus's `BucketQuantile`.
   */
  quantile(phi: number): { readonly value: number; readonly correction: Correction } {
    if (Number.isNaN(phi)) return { value: NaN, correction: null };
    if (phi < 0) return { value: -Infinity, correction: null };
    if (phi > 1) return { value: Infinity, correction: null };
    if (!this.#endsInfinite) return { value: NaN, correction: null };
    this.#makeMonotonic();
    return { value: this.#quantileWithin(phi), correction: this.#correction };
  }

  /** The share of the observations between two values, interpolated as for quantiles. */
  fraction(lower: number, upper: number): number {
    const observations = this.#counts[this.#length - 1] ?? 0;
    if (!this.#endsInfinite || observations === 0) return NaN;
    if (Number.isNaN(lower) || Number.isNaN(upper)) return NaN;
    if (lower >= upper) return 0;
    return (this.#rankBelow(upper, observations) - this.#rankBelow(lower, observations)) / observations;
  }

  get #endsInfinite(): boolean {
    return this.#length > 0 && this.#bounds[this.#length - 1] === Infinity;
  }

  #quantileWithin(phi: number): number {
    const last = this.#length - 1;
    const counts = this.#counts;
    const observations = counts[last] ?? 0;
    if (last < 1 || observations === 0) return NaN;
    const rank = phi * observations;
    let found = 0;
    while (found < last && !((counts[found] ?? NaN) >= rank)) found++;
    if (found === last) return this.#bounds[last - 1] ?? NaN;
    const upperBound = this.#bounds[found] ?? NaN;
    const count = counts[found] ?? NaN;
    if (found === 0) return upperBound <= 0 ? upperBound : upperBound * (rank / count);
    const boundBelow = this.#bounds[found - 1] ?? NaN;
    const countBelow = counts[found - 1] ?? NaN;
    const share = (rank - countBelow) / (count - countBelow);
    return boundBelow + (upperBound - boundBelow) * share;
  }

  /** How many observations lie below a value; at most all of them. */
  #rankBelow(value: number, observations: number): number {
    let lowerBound = (this.#bounds[0] ?? 0) <= 0 ? -Infinity : 0;
    let rank = 0;
    for (let at = 0; at < this.#length; at++) {
      const upperBound = this.#bounds[at] ?? NaN;
      const count = this.#counts[at] ?? NaN;
      if (lowerBound >= value) return Math.min(observations, rank);
      if (upperBound > value) {
        if (lowerBound === -Infinity) return Math.min(observations, count);
        const share = ((count - rank) * (value - lowerBound)) / (upperBound - lowerBound);
        return Math.min(observations, rank + share);
      }
      rank = count;
      lowerBound = upperBound;
    }
    return observations;
  }

  /** Removes decreases of the counts, once. Those that are rounding errors are not reported. */
  #makeMonotonic(): void {
    if (this.#isMonotonic) return;
    this.#isMonotonic = true;
    let minBucket = Infinity;
    let maxBucket = -Infinity;
    let maxDifference = 0;
    let reached = this.#counts[0] ?? 0;
    for (let at = 1; at < this.#length; at++) {
      const count = this.#counts[at] ?? NaN;
      const upperBound = this.#bounds[at] ?? NaN;
      if (count === reached) continue;
      if (isAlmostEqual(reached, count, ROUNDING_TOLERANCE)) {
        this.#counts[at] = reached;
      } else if (count < reached) {
        this.#counts[at] = reached;
        minBucket = Math.min(minBucket, upperBound);
        maxBucket = Math.max(maxBucket, upperBound);
        maxDifference = Math.max(maxDifference, reached - count);
      } else {
        reached = count;
      }
    }
    this.#correction = minBucket <= maxBucket ? { minBucket, maxBucket, maxDifference } : null;
  }
}

function doubled(numbers: Float64Array): Float64Array<ArrayBuffer> {
  const more = new Float64Array(2 * numbers.length);
  more.set(numbers);
  return more;
}

function isAlmostEqual(left: number, right: number, tolerance: number): boolean {
  if (left === right || (Number.isNaN(left) && Number.isNaN(right))) return true;
  const sum = Math.abs(left) + Math.abs(right);
  const difference = Math.abs(left - right);
  if (left === 0 || right === 0 || sum < MIN_NORMAL) return difference < tolerance * MIN_NORMAL;
  return difference / Math.min(sum, Number.MAX_VALUE) < tolerance;
}

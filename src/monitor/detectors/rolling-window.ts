/**
 * The last `capacity` values, in order of arrival and sorted: exact quantiles at any time. A push moves part of a
 * small typed array; nothing is allocated after construction.
 */
export class RollingWindow {
  readonly #ring: Float64Array;
  readonly #sorted: Float64Array;
  #length = 0;
  #next = 0;
  #fractions = 0;

  constructor(capacity: number) {
    this.#ring = new Float64Array(capacity);
    this.#sorted = new Float64Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Whether all values are whole numbers: a count of things, not a measure. */
  get isWhole(): boolean {
    return this.#fractions === 0;
  }

  /** Takes a finite number in, and the oldest out when the window is full. */
  push(value: number): void {
    if (this.#length === this.#ring.length) this.#dropOldest();
    this.#ring[this.#next] = value;
    this.#next = (this.#next + 1) % this.#ring.length;
    const at = this.#placeOf(value);
    this.#sorted.copyWithin(at + 1, at, this.#length);
    this.#sorted[at] = value;
    this.#length++;
    if (!Number.isInteger(value)) this.#fractions++;
  }

  /**
   * The quantile by linear interpolation between the two nearest ranks (type 7 of Hyndman and Fan, 1996).
   * @param quantile 0 to 1
   */
  quantile(quantile: number): number {
    if (this.#length === 0) return Number.NaN;
    const rank = quantile * (this.#length - 1);
    const low = Math.floor(rank);
    const below = this.#at(low);
    const above = this.#at(Math.min(low + 1, this.#length - 1));
    return below + (above - below) * (rank - low);
  }

  /** The median of the distances from `centre`, by walking outwards from it through the sorted values. */
  medianDistanceFrom(centre: number): number {
    if (this.#length === 0) return Number.NaN;
    let right = this.#placeOf(centre);
    let left = right - 1;
    let distance = 0;
    const steps = Math.ceil(this.#length / 2);
    for (let step = 0; step < steps; step++) {
      const leftDistance = left >= 0 ? centre - this.#at(left) : Number.POSITIVE_INFINITY;
      const rightDistance = right < this.#length ? this.#at(right) - centre : Number.POSITIVE_INFINITY;
      if (leftDistance <= rightDistance) {
        distance = leftDistance;
        left--;
      } else {
        distance = rightDistance;
        right++;
      }
    }
    return distance;
  }

  #dropOldest(): void {
    const oldest = this.#ring[this.#next] ?? 0;
    const at = this.#placeOf(oldest);
    this.#sorted.copyWithin(at, at + 1, this.#length);
    this.#length--;
    if (!Number.isInteger(oldest)) this.#fractions--;
  }

  #at(place: number): number {
    return this.#sorted[place] ?? Number.NaN;
  }

  /** The first place whose value is not smaller. */
  #placeOf(value: number): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#at(middle) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

import type { SeriesRef } from '#telemetry';

const FIRST_CAPACITY = 4096;

/**
 * Numbers the references of one unit from 0 on. Open addressing; what was left by the units before counts as empty, so
 * that emptying it costs nothing.
 */
export class RefSlots {
  #refs = new Float64Array(FIRST_CAPACITY);
  /** By place in the table: the unit that wrote there, and the number. */
  #units = new Uint32Array(FIRST_CAPACITY);
  #numbers = new Uint32Array(FIRST_CAPACITY);
  #unit = 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The number of a reference; −1 where it has none. */
  find(ref: SeriesRef): number {
    const place = this.#placeOf(ref);
    return this.#units[place] === this.#unit ? (this.#numbers[place] ?? -1) : -1;
  }

  /** The number of a reference, which gets the next one where it has none. */
  add(ref: SeriesRef): number {
    if (2 * (this.#size + 1) > this.#refs.length) this.#grow();
    const place = this.#placeOf(ref);
    if (this.#units[place] === this.#unit) return this.#numbers[place] ?? -1;
    this.#units[place] = this.#unit;
    this.#refs[place] = ref;
    this.#numbers[place] = this.#size;
    return this.#size++;
  }

  clear(): void {
    this.#size = 0;
    if (++this.#unit <= 0xffffffff) return;
    this.#unit = 1;
    this.#units.fill(0);
  }

  #placeOf(ref: SeriesRef): number {
    const mask = this.#refs.length - 1;
    // References beyond 2^32 share places with others, which `#refs` tells apart.
    let place = (Math.imul(ref, 0x9e3779b1) >>> 7) & mask;
    while (this.#units[place] === this.#unit && this.#refs[place] !== ref) place = (place + 1) & mask;
    return place;
  }

  #grow(): void {
    const [refs, units, numbers] = [this.#refs, this.#units, this.#numbers];
    const capacity = 2 * refs.length;
    this.#refs = new Float64Array(capacity);
    this.#units = new Uint32Array(capacity);
    this.#numbers = new Uint32Array(capacity);
    for (let at = 0; at < refs.length; at++) {
      if (units[at] !== this.#unit) continue;
      const place = this.#placeOf(refs[at] ?? 0);
      this.#refs[place] = refs[at] ?? 0;
      this.#units[place] = this.#unit;
      this.#numbers[place] = numbers[at] ?? 0;
    }
  }
}

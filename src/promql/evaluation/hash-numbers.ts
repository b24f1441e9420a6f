const FIRST_CAPACITY = 16;

/** One round of the 32-bit MurmurHash3 body. */
export function mixHash(hash: number, word: number): number {
  let mixed = Math.imul(word, 0xcc9e2d51);
  mixed = Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593) ^ hash;
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

/** MurmurHash3's last mixing: of hashes that differ little the lower bits differ, too. */
export function finishHash(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) | 0;
}

/**
 * Numbers things from 0 on in the order in which they come, and finds them again by their hashes. The things stay with
 * the caller: here are two words for each, in arrays that the garbage collector need not look through.
 */
export class HashNumbers {
  /** Open addressing with linear probing, at most half full: a number plus 1, or 0. */
  #slots = new Int32Array(2 * FIRST_CAPACITY);
  #hashes = new Int32Array(FIRST_CAPACITY);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** The number with this hash that `isIt` accepts; −1 where there is none. */
  find(hash: number, isIt: (number: number) => boolean): number {
    const mask = this.#slots.length - 1;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const number = (this.#slots[at] ?? 0) - 1;
      if (number < 0) return -1;
      if (this.#hashes[number] === hash && isIt(number)) return number;
    }
  }

  /** Numbers a thing that is not there. */
  add(hash: number): number {
    const number = this.#count++;
    if (number === this.#hashes.length) this.#grow();
    this.#hashes[number] = hash;
    this.#insert(number);
    return number;
  }

  #insert(number: number): void {
    const mask = this.#slots.length - 1;
    let at = (this.#hashes[number] ?? 0) & mask;
    while (this.#slots[at] !== 0) at = (at + 1) & mask;
    this.#slots[at] = number + 1;
  }

  #grow(): void {
    const hashes = new Int32Array(2 * this.#hashes.length);
    hashes.set(this.#hashes);
    const known = this.#hashes.length;
    this.#hashes = hashes;
    this.#slots = new Int32Array(2 * hashes.length);
    for (let number = 0; number < known; number++) this.#insert(number);
  }
}

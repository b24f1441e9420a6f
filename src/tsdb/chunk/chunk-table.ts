import type { Address } from './arena.ts';

/** A sealed chunk's number; 0 is none. */
export type ChunkId = number;

const FIRST_CAPACITY = 1024;

/** What is known of each sealed chunk in memory, in columns; the chunks of a series are chained in order of sealing. */
export class ChunkTable {
  addresses = new Uint32Array(FIRST_CAPACITY);
  byteLengths = new Uint32Array(FIRST_CAPACITY);
  counts = new Uint16Array(FIRST_CAPACITY);
  minMs = new Float64Array(FIRST_CAPACITY);
  maxMs = new Float64Array(FIRST_CAPACITY);
  next = new Uint32Array(FIRST_CAPACITY);
  #highest = 0;
  #free: ChunkId[] = [];

  get live(): number {
    return this.#highest - this.#free.length;
  }

  add(chunk: {
    readonly address: Address;
    readonly byteLength: number;
    readonly count: number;
    readonly minMs: number;
    readonly maxMs: number;
  }): ChunkId {
    const id = this.#free.pop() ?? ++this.#highest;
    if (id === this.addresses.length) this.#grow();
    this.addresses[id] = chunk.address;
    this.byteLengths[id] = chunk.byteLength;
    this.counts[id] = chunk.count;
    this.minMs[id] = chunk.minMs;
    this.maxMs[id] = chunk.maxMs;
    this.next[id] = 0;
    return id;
  }

  remove(id: ChunkId): void {
    this.#free.push(id);
  }

  #grow(): void {
    const capacity = this.addresses.length * 2;
    this.addresses = grown(this.addresses, new Uint32Array(capacity));
    this.byteLengths = grown(this.byteLengths, new Uint32Array(capacity));
    this.counts = grown(this.counts, new Uint16Array(capacity));
    this.minMs = grown(this.minMs, new Float64Array(capacity));
    this.maxMs = grown(this.maxMs, new Float64Array(capacity));
    this.next = grown(this.next, new Uint32Array(capacity));
  }
}

type Column = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array;

/** The larger array, with the content of the smaller; bits are kept. */
export function grown<Array extends Column>(from: Array, to: Array): Array {
  to.set(from);
  return to;
}

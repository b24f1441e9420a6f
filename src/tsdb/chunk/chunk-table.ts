import { PageMemory } from '../rows/page-memory.ts';
import { PAGE_ROWS, ROW_MASK, RowAllocator, pageOfRow } from '../rows/row-allocator.ts';
import type { Address } from './arena.ts';

/** A sealed chunk's number; 0 is none. */
export type ChunkId = number;

const BYTES_PER_ROW = 2 * 8 + 3 * 4 + 2;

/** What is known of the sealed chunks of a page, in columns. */
export class ChunkPage {
  readonly addresses: Uint32Array;
  readonly byteLengths: Uint32Array;
  readonly counts: Uint16Array;
  readonly minMs: Float64Array;
  readonly maxMs: Float64Array;
  readonly next: Uint32Array;

  constructor(rows: number) {
    const memory = new PageMemory(rows * BYTES_PER_ROW);
    this.minMs = memory.floats(rows);
    this.maxMs = memory.floats(rows);
    this.addresses = memory.words(rows);
    this.byteLengths = memory.words(rows);
    this.next = memory.words(rows);
    this.counts = memory.halfWords(rows);
  }
}

/** In the place of a page that is not there. */
const NO_PAGE = new ChunkPage(0);

/** The sealed chunks in memory; those of a series are chained in order of sealing. */
export class ChunkTable {
  readonly #pages: (ChunkPage | undefined)[] = [];
  readonly #allocator = new RowAllocator();

  get live(): number {
    return this.#allocator.live;
  }

  /** How many pages are there. */
  get pageCount(): number {
    return this.#pages.reduce((count, page) => (page ? count + 1 : count), 0);
  }

  /** The page of a chunk, whose place on it is `id & ROW_MASK`. */
  pageOf(id: ChunkId): ChunkPage {
    return this.#pages[pageOfRow(id)] ?? NO_PAGE;
  }

  /** The chunk after this one of the same series, or 0. */
  next(id: ChunkId): ChunkId {
    return this.pageOf(id).next[id & ROW_MASK] ?? 0;
  }

  setNext(id: ChunkId, next: ChunkId): void {
    this.pageOf(id).next[id & ROW_MASK] = next;
  }

  add(chunk: {
    readonly address: Address;
    readonly byteLength: number;
    readonly count: number;
    readonly minMs: number;
    readonly maxMs: number;
  }): ChunkId {
    const id = this.#allocator.take();
    const page = (this.#pages[pageOfRow(id)] ??= new ChunkPage(PAGE_ROWS));
    const at = id & ROW_MASK;
    page.addresses[at] = chunk.address;
    page.byteLengths[at] = chunk.byteLength;
    page.counts[at] = chunk.count;
    page.minMs[at] = chunk.minMs;
    page.maxMs[at] = chunk.maxMs;
    page.next[at] = 0;
    return id;
  }

  remove(id: ChunkId): void {
    if (!this.#allocator.release(id)) return;
    this.#pages[pageOfRow(id)] = undefined;
    while (this.#pages.length > 0 && this.#pages.at(-1) === undefined) this.#pages.pop();
  }
}

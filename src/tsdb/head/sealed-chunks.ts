import type { Arena } from '../chunk/arena.ts';
import { BitReader } from '../chunk/bits.ts';
import { ChunkTable, type ChunkId } from '../chunk/chunk-table.ts';
import type { SampleColumns } from '../chunk/sample-columns.ts';
import { decodeSealed } from '../chunk/sealed-chunk.ts';
import type { SeriesRow } from '../index/series-rows.ts';
import { ROW_MASK } from '../rows/row-allocator.ts';
import { HAS_FLOATS, type SeriesStates } from './series-states.ts';

export interface SealedBytes {
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly minMs: number;
  readonly maxMs: number;
}

/** The chunks in memory that take no more samples; each series has a chain of them, in the order of sealing. */
export class SealedChunks {
  readonly table = new ChunkTable();
  readonly #states: SeriesStates;
  readonly #arena: Arena;
  readonly #reader: BitReader;
  #bytes = 0;
  #samples = 0;
  #removedUntilMs = Number.NEGATIVE_INFINITY;
  #removals = 0;

  constructor(states: SeriesStates, arena: Arena) {
    this.#states = states;
    this.#arena = arena;
    this.#reader = new BitReader(arena.viewOf(0));
  }

  /** Of all of them. */
  get bytes(): number {
    return this.#bytes;
  }

  get samples(): number {
    return this.#samples;
  }

  /** How many have been removed since the start. */
  get removals(): number {
    return this.#removals;
  }

  /** The newest time of which memory has ever given a chunk up, of floats or of histograms. */
  get removedUntilMs(): number {
    return this.#removedUntilMs;
  }

  /** The first chunk of a series, or 0. */
  firstOf(row: SeriesRow): ChunkId {
    return this.#states.pageOf(row).firstChunks[row & ROW_MASK] ?? 0;
  }

  /** Chains a chunk to its series. */
  add(row: SeriesRow, chunk: SealedBytes): void {
    const page = this.#states.pageOf(row);
    const at = row & ROW_MASK;
    const id = this.table.add({
      address: this.#arena.storeBlock(chunk.bytes),
      byteLength: chunk.bytes.length,
      count: chunk.count,
      minMs: chunk.minMs,
      maxMs: chunk.maxMs,
    });
    const last = page.lastChunks[at] ?? 0;
    if (last === 0) page.firstChunks[at] = id;
    else this.table.setNext(last, id);
    page.lastChunks[at] = id;
    this.#states.setFlag(row, HAS_FLOATS);
    this.#bytes += chunk.bytes.length;
    this.#samples += chunk.count;
  }

  /** Appends all samples of one chunk to the columns. */
  read(id: ChunkId, into: SampleColumns): void {
    const page = this.table.pageOf(id);
    const at = id & ROW_MASK;
    const address = page.addresses[at] ?? 0;
    this.#reader.view = this.#arena.viewOf(address);
    this.#reader.bit = this.#arena.offsetOf(address) * 8;
    decodeSealed(this.#reader, page.counts[at] ?? 0, page.minMs[at] ?? 0, into);
  }

  /** The bytes of a chunk, as a view. */
  bytesOf(id: ChunkId): Uint8Array {
    const page = this.table.pageOf(id);
    const at = id & ROW_MASK;
    const address = page.addresses[at] ?? 0;
    const offset = this.#arena.offsetOf(address);
    return this.#arena.pageOf(address).subarray(offset, offset + (page.byteLengths[at] ?? 0));
  }

  /** Appends the samples of the chunks of a series that touch an interval to the columns, chunk by chunk. */
  readChain(
    row: SeriesRow,
    interval: { readonly startMs: number; readonly endMs: number },
    into: SampleColumns,
  ): void {
    for (let id = this.firstOf(row); id !== 0; id = this.table.next(id)) {
      if (this.touches(id, interval)) this.read(id, into);
    }
  }

  /** Whether a chunk has the time of any sample in an interval between those of its first and its last. */
  touches(id: ChunkId, { startMs, endMs }: { readonly startMs: number; readonly endMs: number }): boolean {
    const { minMs, maxMs } = this.table.pageOf(id);
    const place = id & ROW_MASK;
    return (maxMs[place] ?? 0) >= startMs && (minMs[place] ?? 0) <= endMs;
  }

  /** The newest time until `untilMs` at which a chunk of a series begins; −Infinity where none does. */
  newestStartMs(row: SeriesRow, untilMs: number): number {
    let newestMs = Number.NEGATIVE_INFINITY;
    for (let id = this.firstOf(row); id !== 0; id = this.table.next(id)) {
      const minMs = this.table.pageOf(id).minMs[id & ROW_MASK] ?? 0;
      if (minMs <= untilMs && minMs > newestMs) newestMs = minMs;
    }
    return newestMs;
  }

  /** The time of the oldest sample in the chunks of a series; Infinity where there is none. */
  oldestMs(row: SeriesRow): number {
    let oldestMs = Infinity;
    for (let id = this.firstOf(row); id !== 0; id = this.table.next(id)) {
      oldestMs = Math.min(oldestMs, this.table.pageOf(id).minMs[id & ROW_MASK] ?? 0);
    }
    return oldestMs;
  }

  /** Removes chunks of a series. */
  drop(row: SeriesRow, isDropped: (id: ChunkId) => boolean): void {
    const page = this.#states.pageOf(row);
    const at = row & ROW_MASK;
    let previous = 0;
    for (let id = page.firstChunks[at] ?? 0; id !== 0;) {
      const next = this.table.next(id);
      if (isDropped(id)) {
        this.#free(id);
        if (previous === 0) page.firstChunks[at] = next;
        else this.table.setNext(previous, next);
      } else {
        previous = id;
      }
      id = next;
    }
    page.lastChunks[at] = previous;
  }

  /** Memory has given up what there was until a time. */
  noteRemoved(untilMs: number): void {
    this.#removedUntilMs = Math.max(this.#removedUntilMs, untilMs);
  }

  #free(id: ChunkId): void {
    const page = this.table.pageOf(id);
    const at = id & ROW_MASK;
    this.noteRemoved(page.maxMs[at] ?? 0);
    const byteLength = page.byteLengths[at] ?? 0;
    this.#arena.freeBlock(page.addresses[at] ?? 0, byteLength);
    this.#bytes -= byteLength;
    this.#samples -= page.counts[at] ?? 0;
    this.#removals++;
    this.table.remove(id);
  }
}

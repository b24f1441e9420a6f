import type { ChunkId, ChunkTable } from '../chunk/chunk-table.ts';
import type { SeriesRow } from '../index/series-rows.ts';
import { ROW_MASK } from '../rows/row-allocator.ts';
import { ChunkSpans } from './chunk-spans.ts';

/** Series whose chunks are kept in order of time. */
const MAX_SERIES = 64;
/** A chain of so few chunks is walked sooner than anything is looked up. */
const FEW_CHUNKS = 16;

interface KnownSeries {
  readonly spans: ChunkSpans;
  /** The newest chunk that is among them. */
  last: ChunkId;
  /** How many chunks had been removed, of all series, when the first was taken in. */
  readonly removals: number;
}

/** The chain of a series' sealed chunks; 0 where there is none. */
export interface ChunkChain {
  readonly first: ChunkId;
  /** Of all series together, since the start. */
  readonly removals: number;
}

/**
 * Which sealed chunks may hold the moment of a late sample. The chain of a series may have thousands of chunks, and a
 * request hundreds of thousands of late samples of it: the series that were asked about last have theirs in order of time.
 */
export class LateLookup {
  readonly #chunks: ChunkTable;
  readonly #known = new Map<SeriesRow, KnownSeries>();

  constructor(chunks: ChunkTable) {
    this.#chunks = chunks;
  }

  chunksAt(row: SeriesRow, chain: ChunkChain, timeMs: number): readonly ChunkId[] {
    return this.#fewAt(chain.first, timeMs) ?? this.#spansOf(row, chain).at(timeMs);
  }

  forget(row: SeriesRow): void {
    this.#known.delete(row);
  }

  /** Null where the chain is long. */
  #fewAt(first: ChunkId, timeMs: number): readonly ChunkId[] | null {
    const found: ChunkId[] = [];
    let walked = 0;
    for (let id = first; id !== 0; id = this.#chunks.next(id)) {
      if (++walked > FEW_CHUNKS) return null;
      const { minMs, maxMs } = this.#chunks.pageOf(id);
      const at = id & ROW_MASK;
      if ((maxMs[at] ?? 0) >= timeMs && (minMs[at] ?? 0) <= timeMs) found.push(id);
    }
    return found;
  }

  #spansOf(row: SeriesRow, { first, removals }: ChunkChain): ChunkSpans {
    let known = this.#known.get(row);
    if (known?.removals !== removals) {
      known = { spans: new ChunkSpans(), last: 0, removals };
      this.#known.delete(row);
      this.#known.set(row, known);
      const [oldest] = this.#known.keys();
      if (this.#known.size > MAX_SERIES && oldest !== undefined) this.#known.delete(oldest);
    }
    const { spans } = known;
    for (
      let id = known.last === 0 ? first : this.#chunks.next(known.last);
      id !== 0;
      id = this.#chunks.next(id)
    ) {
      const { minMs, maxMs } = this.#chunks.pageOf(id);
      const at = id & ROW_MASK;
      spans.add(id, minMs[at] ?? 0, maxMs[at] ?? 0);
      known.last = id;
    }
    return spans;
  }
}

import type { Labels, SeriesRef } from '#telemetry';
import { PageMemory } from '../rows/page-memory.ts';
import { PAGE_ROWS, ROW_MASK, RowAllocator, pageOfRow } from '../rows/row-allocator.ts';

/**
 * The store's own number of a series: a row of its columns, small and used again when the series is gone. 0 is none.
 * What leaves the store is a SeriesRef, which no other series ever gets.
 */
export type SeriesRow = number;

/**
 * Series in the order in which the index took them in: 1, 2, 3 … No number comes again while the store runs. The log
 * names series by it, so that a record never reads as one of another series that has the row now.
 */
export type SeriesNumber = number;

/** The newest number at some time: what lay in a row then lies there still if its number is not larger. */
export type IndexEpoch = SeriesNumber;

/** A reference is its row plus this times how many series had the row before. */
const GENERATION = 2 ** 32;
/** Numbers are exact up to 2^53. A row that has had so many series is given up. */
const MAX_GENERATION = 2 ** 21 - 1;
/** Stands in `refs` where a row never gets a series. */
const NEVER = Number.NaN;

const BYTES_PER_ROW = 2 * 8 + 2 * 4;

/** What the index knows of the series of a page of rows. */
class SeriesPage {
  /** The series' reference; where there is none, −1 − the generation of the next one. */
  readonly refs: Float64Array;
  readonly numbers: Float64Array;
  readonly hashes: Uint32Array;
  /** Numbers of senders; 0 before the first sample. */
  readonly senders: Uint32Array;
  readonly labels: (Labels | undefined)[] = Array.from({ length: PAGE_ROWS }, () => undefined);

  constructor(generation: number) {
    const memory = new PageMemory(PAGE_ROWS * BYTES_PER_ROW);
    this.refs = memory.floats(PAGE_ROWS).fill(-1 - generation);
    this.numbers = memory.floats(PAGE_ROWS);
    this.hashes = memory.words(PAGE_ROWS);
    this.senders = memory.words(PAGE_ROWS);
  }
}

/** Which series each row stands for, and which references stand for a series. */
export class SeriesRows {
  readonly #allocator = new RowAllocator();
  /** A number where nothing of the page is in use: the generation that its rows have next. */
  readonly #pages: (SeriesPage | number | undefined)[] = [];
  #newest: SeriesNumber = 0;

  get epoch(): IndexEpoch {
    return this.#newest;
  }

  /** Rows are below this. */
  get end(): SeriesRow {
    return this.#allocator.end;
  }

  add(labels: Labels, hash: number): SeriesRow {
    const row = this.#allocator.take();
    const page = this.#pageFor(row);
    const at = row & ROW_MASK;
    const generation = -1 - (page.refs[at] ?? 0);
    page.refs[at] = generation * GENERATION + row;
    page.numbers[at] = ++this.#newest;
    page.hashes[at] = hash;
    page.senders[at] = 0;
    page.labels[at] = labels;
    return row;
  }

  remove(row: SeriesRow): void {
    const page = this.#page(row);
    if (!page) return;
    const at = row & ROW_MASK;
    const generation = Math.floor((page.refs[at] ?? 0) / GENERATION) + 1;
    page.labels[at] = undefined;
    page.refs[at] = generation > MAX_GENERATION ? NEVER : -1 - generation;
    if (generation > MAX_GENERATION) return;
    if (this.#allocator.release(row)) this.#pages[pageOfRow(row)] = nextGenerationOf(page);
  }

  refOf(row: SeriesRow): SeriesRef {
    return this.#page(row)?.refs[row & ROW_MASK] ?? 0;
  }

  numberOf(row: SeriesRow): SeriesNumber {
    return this.#page(row)?.numbers[row & ROW_MASK] ?? 0;
  }

  /** The row that a reference stands for; 0 where its series is gone or never was. */
  rowOf(ref: SeriesRef): SeriesRow {
    const row = ref >>> 0;
    const page = this.#pages[pageOfRow(row)];
    return typeof page === 'object' && page.refs[row & ROW_MASK] === ref ? row : 0;
  }

  labelsOf(row: SeriesRow): Labels | undefined {
    return this.#page(row)?.labels[row & ROW_MASK];
  }

  hashOf(row: SeriesRow): number {
    return this.#page(row)?.hashes[row & ROW_MASK] ?? 0;
  }

  /** The number of the series' sender; 0 where it has none yet. */
  senderOf(row: SeriesRow): number {
    return this.#page(row)?.senders[row & ROW_MASK] ?? 0;
  }

  setSender(row: SeriesRow, sender: number): void {
    const page = this.#page(row);
    if (page) page.senders[row & ROW_MASK] = sender;
  }

  /** Whether a row has the series that it had at that time. */
  isFrom(row: SeriesRow, epoch: IndexEpoch): boolean {
    const page = this.#page(row);
    if (!page) return false;
    const at = row & ROW_MASK;
    return page.labels[at] !== undefined && (page.numbers[at] ?? 0) <= epoch;
  }

  #page(row: SeriesRow): SeriesPage | undefined {
    const page = this.#pages[pageOfRow(row)];
    return typeof page === 'object' ? page : undefined;
  }

  #pageFor(row: SeriesRow): SeriesPage {
    const number = pageOfRow(row);
    const known = this.#pages[number];
    if (typeof known === 'object') return known;
    const page = new SeriesPage(known ?? 0);
    // No reference is 0, which means none.
    if (number === 0) page.refs[0] = NEVER;
    this.#pages[number] = page;
    return page;
  }
}

/** A generation that no reference into the page has had. */
function nextGenerationOf(page: SeriesPage): number {
  let next = 0;
  for (const ref of page.refs) if (-1 - ref > next) next = -1 - ref;
  return next;
}

import { wordsOf } from '#telemetry';
import type { SeriesRow } from '../index/series-rows.ts';
import { PageMemory } from '../rows/page-memory.ts';
import { PAGE_ROWS, ROW_MASK, pageOfRow } from '../rows/row-allocator.ts';

/** What `flags` says of a series. */
export const HAS_FLOATS = 1;
export const HAS_HISTOGRAMS = 2;
export const NEWEST_IS_HISTOGRAM = 4;
export const HAS_LATE_SAMPLES = 8;
export const IS_SUBSCRIBED = 16;
/** The log of this run knows what the row stands for. */
export const IS_LOGGED = 32;
/** Somebody asked for the series since the upkeep last looked at it: it is not forgotten yet. */
export const IS_WANTED = 64;
const IS_RESERVED = 128;

const BYTES_PER_ROW = 3 * 8 + 4 * 4 + 2 * 2 + 3;

/** What the head knows of the series of a page of rows, in columns: 47 bytes a series and no objects. */
export class StatePage {
  /** Time and value of the newest sample; −Infinity before the first. Instant reads are served from these. */
  readonly newestMs: Float64Array;
  readonly newestValues: Float64Array;
  /** The memory of `newestValues`. */
  readonly newestWords: Uint32Array;
  /** The open chunk: its first time, slot, slot class, length in bits, samples, last distance and XOR window. */
  readonly firstMs: Float64Array;
  readonly slots: Uint32Array;
  readonly slotClasses: Uint8Array;
  readonly bitLengths: Uint16Array;
  readonly counts: Uint8Array;
  readonly distancesMs: Int32Array;
  readonly windows: Uint16Array;
  /** Ends of the chain of sealed chunks. */
  readonly firstChunks: Uint32Array;
  readonly lastChunks: Uint32Array;
  readonly flags: Uint8Array;
  /** Rows of the page that are in use. */
  live = 0;

  constructor(rows: number) {
    const memory = new PageMemory(rows * BYTES_PER_ROW);
    this.newestMs = memory.floats(rows).fill(Number.NEGATIVE_INFINITY);
    this.newestValues = memory.floats(rows);
    this.newestWords = wordsOf(this.newestValues);
    this.firstMs = memory.floats(rows);
    this.slots = memory.words(rows);
    this.distancesMs = memory.signedWords(rows);
    this.firstChunks = memory.words(rows);
    this.lastChunks = memory.words(rows);
    this.bitLengths = memory.halfWords(rows);
    this.windows = memory.halfWords(rows);
    this.slotClasses = memory.bytes(rows);
    this.counts = memory.bytes(rows);
    this.flags = memory.bytes(rows);
  }
}

/** In the place of a page that is not there. */
const NO_PAGE = new StatePage(0);

/** The states of all series, by row. A page is there while one of its rows is in use. */
export class SeriesStates {
  readonly #pages: (StatePage | undefined)[] = [];

  /** How many pages are there. */
  get pageCount(): number {
    return this.#pages.reduce((count, page) => (page ? count + 1 : count), 0);
  }

  /** The page of a row, whose place on it is `row & ROW_MASK`. */
  pageOf(row: SeriesRow): StatePage {
    return this.#pages[pageOfRow(row)] ?? NO_PAGE;
  }

  /** Makes room for a row that is in use from now on. */
  reserve(row: SeriesRow): void {
    const page = (this.#pages[pageOfRow(row)] ??= new StatePage(PAGE_ROWS));
    if (this.hasFlag(row, IS_RESERVED)) return;
    page.live++;
    this.setFlag(row, IS_RESERVED);
  }

  /** Clears a row that is in use no more. */
  release(row: SeriesRow): void {
    const page = this.pageOf(row);
    if (!this.hasFlag(row, IS_RESERVED)) return;
    const at = row & ROW_MASK;
    page.counts[at] = 0;
    page.slots[at] = 0;
    page.bitLengths[at] = 0;
    page.firstChunks[at] = 0;
    page.lastChunks[at] = 0;
    page.newestMs[at] = Number.NEGATIVE_INFINITY;
    page.flags[at] = 0;
    page.live--;
    if (page.live > 0) return;
    this.#pages[pageOfRow(row)] = undefined;
    while (this.#pages.length > 0 && this.#pages.at(-1) === undefined) this.#pages.pop();
  }

  /** The time of the newest sample; −Infinity before the first. */
  newestMs(row: SeriesRow): number {
    return this.pageOf(row).newestMs[row & ROW_MASK] ?? Number.NEGATIVE_INFINITY;
  }

  hasFlag(row: SeriesRow, flag: number): boolean {
    return ((this.pageOf(row).flags[row & ROW_MASK] ?? 0) & flag) !== 0;
  }

  setFlag(row: SeriesRow, flag: number): void {
    const { flags } = this.pageOf(row);
    flags[row & ROW_MASK] = (flags[row & ROW_MASK] ?? 0) | flag;
  }

  clearFlag(row: SeriesRow, flag: number): void {
    const { flags } = this.pageOf(row);
    flags[row & ROW_MASK] = (flags[row & ROW_MASK] ?? 0) & ~flag;
  }
}

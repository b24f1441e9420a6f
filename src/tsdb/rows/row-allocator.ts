/** Rows are counted in pages of this size: the columns of a page are a piece of memory that can go back to the system. */
const ROW_BITS = 13;
export const PAGE_ROWS = 1 << ROW_BITS;
export const ROW_MASK = PAGE_ROWS - 1;

const WORDS = PAGE_ROWS / 32;

export function pageOfRow(row: number): number {
  return row >>> ROW_BITS;
}

/** Which rows of a page are free, a bit each. */
interface RowPage {
  readonly free: Uint32Array;
  freeCount: number;
  /** No word before this one has a free row. */
  firstWord: number;
}

/**
 * Gives out small whole numbers from 1 on, the lowest that is free, so that what is in use lies close together and
 * whole pages of columns come free. Row 0 is never given out: it means none.
 */
export class RowAllocator {
  readonly #pages: (RowPage | undefined)[] = [];
  /** No page before this one has a free row. */
  #firstWithRoom = 0;
  #live = 0;

  get live(): number {
    return this.#live;
  }

  /** One more than the highest row of any page. */
  get end(): number {
    return this.#pages.length * PAGE_ROWS;
  }

  take(): number {
    let number = this.#firstWithRoom;
    while (this.#pages[number]?.freeCount === 0) number++;
    this.#firstWithRoom = number;
    const page = (this.#pages[number] ??= newPage(number));
    let word = page.firstWord;
    while (page.free[word] === 0) word++;
    page.firstWord = word;
    const bits = page.free[word] ?? 0;
    const bit = 31 - Math.clz32(bits & -bits);
    page.free[word] = bits & (bits - 1);
    page.freeCount--;
    this.#live++;
    return number * PAGE_ROWS + word * 32 + bit;
  }

  /** @returns whether nothing of the row's page is in use any more */
  release(row: number): boolean {
    const number = pageOfRow(row);
    const page = this.#pages[number];
    if (!page) return false;
    const word = (row & ROW_MASK) >>> 5;
    page.free[word] = (page.free[word] ?? 0) | (1 << (row & 31));
    page.freeCount++;
    if (word < page.firstWord) page.firstWord = word;
    this.#live--;
    if (number < this.#firstWithRoom) this.#firstWithRoom = number;
    if (page.freeCount < (number === 0 ? PAGE_ROWS - 1 : PAGE_ROWS)) return false;
    this.#pages[number] = undefined;
    while (this.#pages.length > 0 && this.#pages.at(-1) === undefined) this.#pages.pop();
    return true;
  }
}

function newPage(number: number): RowPage {
  const free = new Uint32Array(WORDS).fill(0xffffffff);
  if (number === 0) free[0] = 0xfffffffe;
  return { free, freeCount: number === 0 ? PAGE_ROWS - 1 : PAGE_ROWS, firstWord: 0 };
}

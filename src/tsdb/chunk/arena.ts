import { SLACK_BYTES, viewOf } from './bits.ts';

/** A place in the arena, in units of UNIT_BYTES; 0 is none. */
export type Address = number;

const PAGE_BITS = 20;
const PAGE_BYTES = 1 << PAGE_BITS;
const UNIT_BITS = 2;
const UNIT_BYTES = 1 << UNIT_BITS;
const PAGE_UNIT_BITS = PAGE_BITS - UNIT_BITS;
const PAGE_UNIT_MASK = (1 << PAGE_UNIT_BITS) - 1;
/** Sizes of the slots that open chunks grow through. */
const SLOT_BYTES = [48, 96, 160, 224, 288, 384, 480, 576, 704, 832, 960, 1152, 1600, 2560] as const;

/** Free pages whose memory is kept for what comes next. */
const SPARE_PAGES = 4;

export const LARGEST_SLOT_CLASS = SLOT_BYTES.length - 1;

export function slotBytes(slotClass: number): number {
  return SLOT_BYTES[slotClass] ?? 0;
}

/** A page that is cut into slots of one class. */
interface SlotPage {
  readonly slotClass: number;
  readonly number: number;
  readonly capacity: number;
  /** How many slots have been cut so far, the first in memory first: a page is often left before it is full. */
  cut: number;
  /** Slots that were cut and given back. */
  readonly free: Address[];
  /** Whether the page is among those of its class that slots are taken from. */
  isListed: boolean;
}

/**
 * The memory of all chunks: pages of one mebibyte, so that a hundred thousand chunks are not a hundred thousand
 * objects. Slots are for open chunks; blocks are for sealed chunks, which die in about the order they were made.
 * A page comes back when nothing on it is in use any more: series that began together grow from one slot class to
 * the next together, and leave whole pages behind. But for a few its memory goes back to the system, too.
 */
export class Arena {
  readonly #pages: Uint8Array[] = [];
  readonly #views: DataView[] = [];
  /** Numbers of pages that nothing is on: with memory, and without. */
  readonly #sparePages: number[] = [];
  readonly #emptyPages: number[] = [];
  /** Bytes in use of each page of blocks. */
  readonly #liveBytes: number[] = [];
  readonly #slotPages: (SlotPage | undefined)[] = [];
  /** Pages with free slots, by class. */
  readonly #listed: SlotPage[][] = SLOT_BYTES.map(() => []);
  #blockPage = -1;
  #blockOffset = PAGE_BYTES;

  constructor() {
    // Address 0 means none, so the first unit of the first page is never given out.
    this.#blockPage = this.#takePage();
    this.#blockOffset = UNIT_BYTES;
    this.#liveBytes[this.#blockPage] = UNIT_BYTES;
  }

  /** Memory taken from the system. */
  get reservedBytes(): number {
    return (this.#pages.length - this.#emptyPages.length) * PAGE_BYTES;
  }

  /** The page an address lies on; pair it with `offsetOf`. */
  pageOf(address: Address): Uint8Array {
    return this.#pages[address >>> PAGE_UNIT_BITS] ?? EMPTY;
  }

  /** As `pageOf`, for bits. */
  viewOf(address: Address): DataView {
    return this.#views[address >>> PAGE_UNIT_BITS] ?? EMPTY_VIEW;
  }

  offsetOf(address: Address): number {
    return (address & PAGE_UNIT_MASK) << UNIT_BITS;
  }

  /** A slot of a size class. Its memory is not cleared. */
  takeSlot(slotClass: number): Address {
    const listed = this.#listed[slotClass] ?? [];
    const page = listed.at(-1) ?? this.#listPage(slotClass, listed);
    const address = page.free.pop() ?? cutSlot(page);
    if (page.free.length === 0 && page.cut === page.capacity) {
      page.isListed = false;
      listed.pop();
    }
    return address;
  }

  returnSlot(address: Address): void {
    const number = address >>> PAGE_UNIT_BITS;
    const page = this.#slotPages[number];
    if (!page) return;
    const listed = this.#listed[page.slotClass] ?? [];
    page.free.push(address);
    if (page.free.length === page.cut) {
      if (page.isListed) listed.splice(listed.indexOf(page), 1);
      this.#slotPages[number] = undefined;
      this.#freePage(number);
    } else if (!page.isListed) {
      page.isListed = true;
      listed.push(page);
    }
  }

  /** Copies bytes into a block. */
  storeBlock(bytes: Uint8Array): Address {
    const size = roundUp(bytes.length);
    if (this.#blockOffset + size > PAGE_BYTES) {
      const full = this.#blockPage;
      this.#blockPage = this.#takePage();
      this.#blockOffset = 0;
      this.#liveBytes[this.#blockPage] = 0;
      if (this.#liveBytes[full] === 0) this.#freePage(full);
    }
    const offset = this.#blockOffset;
    this.#pages[this.#blockPage]?.set(bytes, offset);
    this.#blockOffset += size;
    this.#liveBytes[this.#blockPage] = (this.#liveBytes[this.#blockPage] ?? 0) + size;
    return this.#blockPage * (1 << PAGE_UNIT_BITS) + (offset >>> UNIT_BITS);
  }

  freeBlock(address: Address, byteLength: number): void {
    const page = address >>> PAGE_UNIT_BITS;
    const live = (this.#liveBytes[page] ?? 0) - roundUp(byteLength);
    this.#liveBytes[page] = live;
    if (live === 0 && page !== this.#blockPage) this.#freePage(page);
  }

  #takePage(): number {
    const spare = this.#sparePages.pop();
    if (spare !== undefined) return spare;
    const number = this.#emptyPages.pop() ?? this.#pages.length;
    // A reader at the end of a page may look a little beyond it.
    const page = new Uint8Array(PAGE_BYTES + SLACK_BYTES);
    this.#pages[number] = page;
    this.#views[number] = viewOf(page);
    return number;
  }

  #freePage(number: number): void {
    if (this.#sparePages.length < SPARE_PAGES) {
      this.#sparePages.push(number);
      return;
    }
    this.#pages[number] = EMPTY;
    this.#views[number] = EMPTY_VIEW;
    this.#emptyPages.push(number);
  }

  #listPage(slotClass: number, listed: SlotPage[]): SlotPage {
    const number = this.#takePage();
    const capacity = Math.floor(PAGE_BYTES / slotBytes(slotClass));
    const page: SlotPage = { slotClass, number, capacity, cut: 0, free: [], isListed: true };
    this.#slotPages[number] = page;
    listed.push(page);
    return page;
  }
}

/** The next slot of a page that has room for one. */
function cutSlot(page: SlotPage): Address {
  const offset = page.cut++ * slotBytes(page.slotClass);
  return page.number * (1 << PAGE_UNIT_BITS) + (offset >>> UNIT_BITS);
}

const EMPTY = new Uint8Array(0);
const EMPTY_VIEW = viewOf(EMPTY);

function roundUp(byteLength: number): number {
  return (byteLength + UNIT_BYTES - 1) & -UNIT_BYTES;
}

import type { AppendNotice, Matcher } from '#telemetry';
import type { SeriesRow } from './index/series-rows.ts';
import { PAGE_ROWS, ROW_MASK, pageOfRow } from './rows/row-allocator.ts';

/** What listens to the series that the same matchers accept. */
export class Selector {
  readonly matchers: readonly Matcher[];
  readonly listeners = new Set<(notice: AppendNotice) => void>();
  /** Nobody listens any more: it gets no further series, and its links go when their series are touched next. */
  isDropped = false;

  constructor(matchers: readonly Matcher[]) {
    this.matchers = matchers;
  }
}

/**
 * The selectors that accept a series, as a path in a tree: its last node stands for the series, and series that the
 * same selectors accept share it. A link more is one step, however many links the series has.
 */
export interface LinkNode {
  readonly selector: Selector;
  readonly parent: LinkNode | null;
  /** Empty where nothing goes on from here. */
  next: Map<Selector, LinkNode> | null;
  /** Series that it stands for and nodes behind it; without any it goes. */
  users: number;
}

interface LinkPage {
  readonly nodes: (LinkNode | null)[];
  live: number;
}

/** Which selectors accept which series. Takes one pointer a series. */
export class SeriesLinks {
  readonly #pages: (LinkPage | undefined)[] = [];
  readonly #first = new Map<Selector, LinkNode>();

  /** How many series have a link. */
  get size(): number {
    return this.#pages.reduce((count, page) => count + (page?.live ?? 0), 0);
  }

  /** A selector accepts the series, which had no link to it yet. */
  add(row: SeriesRow, selector: Selector): void {
    this.#set(row, this.#step(this.#nodeOf(row), selector));
  }

  /** The series is gone. */
  forget(row: SeriesRow): void {
    this.#set(row, null);
  }

  /** The last of the selectors that accept the series, from which `parent` leads to the others; dropped ones go first. */
  lastOf(row: SeriesRow): LinkNode | null {
    const node = this.#nodeOf(row);
    for (let step = node; step; step = step.parent) {
      if (step.selector.isDropped) return this.#withoutDropped(row);
    }
    return node;
  }

  #withoutDropped(row: SeriesRow): LinkNode | null {
    const kept: Selector[] = [];
    for (let step = this.#nodeOf(row); step; step = step.parent) {
      if (!step.selector.isDropped) kept.push(step.selector);
    }
    let node: LinkNode | null = null;
    for (const selector of kept.toReversed()) node = this.#step(node, selector);
    this.#set(row, node);
    return node;
  }

  #step(from: LinkNode | null, selector: Selector): LinkNode {
    const next = from ? (from.next ??= new Map()) : this.#first;
    let node = next.get(selector);
    if (!node) {
      node = { selector, parent: from, next: null, users: 0 };
      next.set(selector, node);
      if (from) from.users++;
    }
    return node;
  }

  #nodeOf(row: SeriesRow): LinkNode | null {
    return this.#pages[pageOfRow(row)]?.nodes[row & ROW_MASK] ?? null;
  }

  #set(row: SeriesRow, node: LinkNode | null): void {
    const number = pageOfRow(row);
    let page = this.#pages[number];
    if (!page) {
      if (!node) return;
      page = { nodes: Array.from({ length: PAGE_ROWS }, () => null), live: 0 };
      this.#pages[number] = page;
    }
    const at = row & ROW_MASK;
    const before = page.nodes[at] ?? null;
    page.nodes[at] = node;
    // The new node first: the old one may be on the way to it.
    if (node) node.users++;
    if (before) this.#leave(before);
    page.live += (node ? 1 : 0) - (before ? 1 : 0);
    if (page.live === 0) this.#pages[number] = undefined;
  }

  #leave(left: LinkNode): void {
    for (let node: LinkNode | null = left; node && --node.users === 0; node = node.parent) {
      if (node.parent) node.parent.next?.delete(node.selector);
      else this.#first.delete(node.selector);
    }
  }
}

import { type Matcher, type Stretch, TextNumbers } from '#telemetry';
import { PostingList, sortRows, unionOfDisjoint } from './postings.ts';
import { RowSet } from './row-set.ts';
import { ROW_MASK, RowAllocator, pageOfRow } from '../rows/row-allocator.ts';
import { shapeOf } from './regex-shape.ts';
import type { SeriesRow } from './series-rows.ts';
import { TriedExpressions } from './tried-expressions.ts';

/** Trying an expression on so many values is not worth avoiding. */
const FEW_VALUES = 64;
/** Values whose series are gathered between two looks at the clock. */
const GATHERED_PER_LOOK = 1024;
const NONE = new Uint32Array(0);

/** Values by number and the series that have each. */
interface ValuePage {
  readonly values: string[];
  readonly postings: (SeriesRow | PostingList)[];
}

/**
 * All values of one label name and the series that have each. A value keeps its number while a series has it; then
 * the number is given to another value. Most values of high cardinality belong to a single series, which is then kept
 * as a bare number (0: none).
 */
export class LabelValues {
  readonly name: string;
  /** Stands for the name in hashes. */
  readonly nameNumber: number;
  readonly #numberOf = new TextNumbers();
  readonly #allocator = new RowAllocator();
  #pages: (ValuePage | undefined)[] = [];
  /** All numbers that have been given are below this. */
  #end = 1;
  readonly #tried = new TriedExpressions({ end: () => this.#end, textOf: (number) => this.textOf(number) });
  #seriesCount = 0;

  constructor(name: string, nameNumber: number) {
    this.name = name;
    this.nameNumber = nameNumber;
  }

  get valueCount(): number {
    return this.#numberOf.size;
  }

  /** How many series have the label. */
  get seriesCount(): number {
    return this.#seriesCount;
  }

  /** All values, unsorted. May be walked in slices: what is there all the time is shown, what comes meanwhile may be. */
  *values(): IterableIterator<string> {
    for (const [value] of this.#numberOf.entries()) yield value;
  }

  /** All values with how many series have each; as `values`. */
  *counts(): IterableIterator<readonly [value: string, seriesCount: number]> {
    for (const [value, number] of this.#numberOf.entries()) yield [value, this.#lengthAt(number)];
  }

  numberOf(value: string): number | undefined {
    return this.#numberOf.get(value);
  }

  /** The number of a value, given when it is new. */
  intern(value: string): number {
    const known = this.#numberOf.get(value);
    if (known !== undefined) return known;
    const number = this.#allocator.take();
    if (number < this.#end) this.#tried.noteReuse(number);
    else this.#end = number + 1;
    this.#numberOf.add(value, number);
    const page = (this.#pages[pageOfRow(number)] ??= { values: [], postings: [] });
    page.values[number & ROW_MASK] = value;
    page.postings[number & ROW_MASK] = 0;
    return number;
  }

  /** The one copy of a value's text that is kept. */
  textOf(number: number): string {
    return this.#pages[pageOfRow(number)]?.values[number & ROW_MASK] ?? '';
  }

  addSeries(number: number, row: SeriesRow): void {
    const page = this.#pages[pageOfRow(number)];
    if (!page) return;
    const at = number & ROW_MASK;
    const postings = page.postings[at] ?? 0;
    this.#seriesCount++;
    if (postings === 0) {
      page.postings[at] = row;
    } else if (typeof postings === 'number') {
      const list = new PostingList();
      list.add(postings);
      list.add(row);
      page.postings[at] = list;
    } else {
      postings.add(row);
    }
  }

  countOf(value: string): number {
    const number = this.#numberOf.get(value);
    return number === undefined ? 0 : this.#lengthAt(number);
  }

  seriesWith(value: string): Uint32Array {
    const number = this.#numberOf.get(value);
    if (number === undefined) return NONE;
    const postings = this.#postingsAt(number);
    if (typeof postings !== 'number') return postings.view();
    return postings === 0 ? NONE : Uint32Array.of(postings);
  }

  /** The series whose value the matcher accepts, or (`accepted` false) does not accept. */
  seriesWhere(matcher: Matcher, accepted: boolean): Uint32Array {
    const matching = this.#matchingNumbers(matcher);
    const positive = matcher.operator === '=' || matcher.operator === '=~';
    if (accepted === positive) return this.#union(matching);
    const excluded = new RowSet(this.#end);
    excluded.addAll(matching);
    const rest: number[] = [];
    for (let number = 0; number < this.#end; number++) {
      if (!excluded.has(number)) rest.push(number);
    }
    return this.#union(rest);
  }

  /** As `seriesWhere`, into a set, giving the event loop its turns. Series that come meanwhile may be left out. */
  async gatherWhere(
    matcher: Matcher,
    accepted: boolean,
    { into, stretch }: { readonly into: RowSet; readonly stretch: Stretch },
  ): Promise<void> {
    const end = this.#end;
    const matching = await this.#matchingInSlices(matcher, stretch);
    const positive = matcher.operator === '=' || matcher.operator === '=~';
    if (accepted === positive) {
      const { length } = matching;
      for (let at = 0; at < length; at++) {
        if (at % GATHERED_PER_LOOK === 0 && stretch.isOver) await stretch.pause();
        const rest = this.#gather(matching[at] ?? 0, into, stretch);
        if (rest) await rest;
      }
      return;
    }
    const excluded = new RowSet(end);
    excluded.addAll(matching);
    for (let number = 0; number < end; number++) {
      if (number % GATHERED_PER_LOOK === 0 && stretch.isOver) await stretch.pause();
      const rest = excluded.has(number) ? undefined : this.#gather(number, into, stretch);
      if (rest) await rest;
    }
  }

  /** Whether the answer for this matcher is at hand without trying every value. */
  isCheap(matcher: Matcher): boolean {
    if (matcher.operator === '=' || matcher.operator === '!=') return true;
    return this.#tried.untriedBy(matcher.value) <= FEW_VALUES || shapeOf(matcher.value).kind === 'literals';
  }

  /** Forgets series: of each value, by its number, the rows in ascending order. */
  removeSeries(
    removed: ReadonlyMap<number, readonly SeriesRow[]>,
    onUntidy: (list: PostingList) => void,
  ): void {
    for (const [number, rows] of removed) {
      const page = this.#pages[pageOfRow(number)];
      if (!page) continue;
      const postings = page.postings[number & ROW_MASK] ?? 0;
      if (typeof postings !== 'number') {
        if (postings.remove(rows)) onUntidy(postings);
      } else page.postings[number & ROW_MASK] = 0;
      this.#seriesCount -= rows.length;
      if (this.#lengthAt(number) === 0) this.#forget(number, page);
    }
    if (this.#allocator.end >= this.#end) return;
    this.#end = Math.max(1, this.#allocator.end);
    this.#tried.forgetAll();
  }

  #forget(number: number, page: ValuePage): void {
    this.#numberOf.delete(this.textOf(number));
    page.values[number & ROW_MASK] = '';
    page.postings[number & ROW_MASK] = 0;
    if (!this.#allocator.release(number)) return;
    this.#pages[pageOfRow(number)] = undefined;
    while (this.#pages.length > 0 && this.#pages.at(-1) === undefined) this.#pages.pop();
  }

  #postingsAt(number: number): SeriesRow | PostingList {
    return this.#pages[pageOfRow(number)]?.postings[number & ROW_MASK] ?? 0;
  }

  #lengthAt(number: number): number {
    const postings = this.#postingsAt(number);
    if (typeof postings !== 'number') return postings.length;
    return postings === 0 ? 0 : 1;
  }

  /** The numbers of the values that the matcher's text or expression stands for, whether or not it is negated. */
  #matchingNumbers(matcher: Matcher): readonly number[] {
    if (matcher.operator === '=' || matcher.operator === '!=') return this.#numbersOf([matcher.value]);
    const shape = shapeOf(matcher.value);
    if (shape.kind === 'literals') return this.#numbersOf(shape.values);
    return this.#tried.matching(matcher, shape);
  }

  async #matchingInSlices(matcher: Matcher, stretch: Stretch): Promise<readonly number[]> {
    if (matcher.operator === '=' || matcher.operator === '!=') return this.#numbersOf([matcher.value]);
    const shape = shapeOf(matcher.value);
    if (shape.kind === 'literals') return this.#numbersOf(shape.values);
    return this.#tried.matchingInSlices(matcher, shape, stretch);
  }

  /** Nothing to wait for where the value has few series: there may be a million of such values. */
  #gather(number: number, into: RowSet, stretch: Stretch): Promise<void> | undefined {
    const postings = this.#postingsAt(number);
    if (typeof postings === 'number') {
      if (postings !== 0) into.add(postings);
    } else if (postings.length <= GATHERED_PER_LOOK) {
      into.addAll(postings.view());
    } else {
      // The list may change meanwhile.
      return into.addAllInSlices(postings.view().slice(), stretch);
    }
    return undefined;
  }

  #numbersOf(values: readonly string[]): number[] {
    const numbers = new Set<number>();
    for (const value of values) {
      const number = this.#numberOf.get(value);
      if (number !== undefined) numbers.add(number);
    }
    return [...numbers];
  }

  #union(numbers: readonly number[]): Uint32Array {
    const lists: Uint32Array[] = [];
    const single = new Uint32Array(numbers.length);
    let singles = 0;
    for (const number of numbers) {
      const postings = this.#postingsAt(number);
      if (typeof postings !== 'number') lists.push(postings.view());
      else if (postings !== 0) single[singles++] = postings;
    }
    if (singles > 0) lists.push(sortRows(single.subarray(0, singles)));
    return lists.length === 0 ? NONE : unionOfDisjoint(lists);
  }
}

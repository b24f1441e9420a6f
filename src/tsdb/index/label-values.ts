import type { Matcher, SeriesRef, Stretch } from '#telemetry';
import { PostingList, sortRefs, unionOfDisjoint } from './postings.ts';
import { RefSet } from './ref-set.ts';
import { shapeOf, type RegexShape } from './regex-shape.ts';

/** Regular expressions whose matching values are remembered, per label name. */
const MAX_CACHED_EXPRESSIONS = 64;
/** Trying an expression on so many values is not worth avoiding. */
const FEW_VALUES = 64;
/** Values that an expression is tried on, and values whose series are gathered, between two looks at the clock. */
const TRIED_PER_LOOK = 128;
const GATHERED_PER_LOOK = 1024;
const NONE = new Uint32Array(0);

interface CachedExpression {
  /** How many values have been tried. */
  seen: number;
  readonly matching: number[];
}

/**
 * All values of one label name and the series that have each. A value's number is never given to another value;
 * most values of high cardinality belong to a single series, which is then kept as a bare number (0: none).
 */
export class LabelValues {
  readonly name: string;
  readonly #numberOf = new Map<string, number>();
  readonly #values: string[] = [];
  readonly #postings: (SeriesRef | PostingList)[] = [];
  readonly #cache = new Map<string, CachedExpression>();
  #seriesCount = 0;

  constructor(name: string) {
    this.name = name;
  }

  get valueCount(): number {
    return this.#numberOf.size;
  }

  /** How many series have the label. */
  get seriesCount(): number {
    return this.#seriesCount;
  }

  /** All values, unsorted. May be walked in slices: what comes meanwhile is there too, what goes is not. */
  values(): IterableIterator<string> {
    return this.#numberOf.keys();
  }

  /** All values with how many series have each; as `values`. */
  *counts(): IterableIterator<readonly [value: string, seriesCount: number]> {
    for (const [value, number] of this.#numberOf) yield [value, this.#lengthAt(number)];
  }

  numberOf(value: string): number | undefined {
    return this.#numberOf.get(value);
  }

  /** The number of a value, given when it is new. */
  intern(value: string): number {
    const known = this.#numberOf.get(value);
    if (known !== undefined) return known;
    const number = this.#values.length;
    this.#numberOf.set(value, number);
    this.#values.push(value);
    this.#postings.push(0);
    return number;
  }

  /** The one copy of a value's text that is kept. */
  textOf(number: number): string {
    return this.#values[number] ?? '';
  }

  addSeries(number: number, ref: SeriesRef): void {
    const postings = this.#postings[number];
    this.#seriesCount++;
    if (postings === 0 || postings === undefined) {
      this.#postings[number] = ref;
    } else if (typeof postings === 'number') {
      const list = new PostingList();
      list.add(postings);
      list.add(ref);
      this.#postings[number] = list;
    } else {
      postings.add(ref);
    }
  }

  countOf(value: string): number {
    const number = this.#numberOf.get(value);
    return number === undefined ? 0 : this.#lengthAt(number);
  }

  seriesWith(value: string): Uint32Array {
    const number = this.#numberOf.get(value);
    if (number === undefined) return NONE;
    const postings = this.#postings[number] ?? 0;
    if (typeof postings !== 'number') return postings.view();
    return postings === 0 ? NONE : Uint32Array.of(postings);
  }

  /** The series whose value the matcher accepts, or (`accepted` false) does not accept. */
  seriesWhere(matcher: Matcher, accepted: boolean): Uint32Array {
    const matching = this.#matchingNumbers(matcher);
    const positive = matcher.operator === '=' || matcher.operator === '=~';
    if (accepted === positive) return this.#union(matching);
    const excluded = new RefSet(this.#values.length);
    excluded.addAll(matching);
    const rest: number[] = [];
    for (let number = 0; number < this.#values.length; number++) {
      if (!excluded.has(number)) rest.push(number);
    }
    return this.#union(rest);
  }

  /** As `seriesWhere`, into a set, giving the event loop its turns. Series that come meanwhile may be left out. */
  async gatherWhere(
    matcher: Matcher,
    accepted: boolean,
    { into, stretch }: { readonly into: RefSet; readonly stretch: Stretch },
  ): Promise<void> {
    const end = this.#values.length;
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
    const excluded = new RefSet(end);
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
    const untried = this.#values.length - (this.#cache.get(matcher.value)?.seen ?? 0);
    return untried <= FEW_VALUES || shapeOf(matcher.value).kind === 'literals';
  }

  /**
   * Does a part of what a first search by this matcher costs: tries its expression on up to so many values. True
   * when all are tried, so that the search is quick.
   */
  prepare(matcher: Matcher, maxValues: number): boolean {
    if (matcher.operator === '=' || matcher.operator === '!=') return true;
    const shape = shapeOf(matcher.value);
    if (shape.kind === 'literals') return true;
    const cached = this.#cached(matcher.value);
    this.#extend(cached, { shape, matcher, until: cached.seen + maxValues });
    return cached.seen >= this.#values.length;
  }

  /** Forgets series: of each value, by its number, the references in ascending order. */
  removeSeries(removed: ReadonlyMap<number, readonly SeriesRef[]>): void {
    for (const [number, refs] of removed) {
      const postings = this.#postings[number] ?? 0;
      if (typeof postings !== 'number') postings.remove(refs);
      else this.#postings[number] = 0;
      this.#seriesCount -= refs.length;
      if (this.#lengthAt(number) > 0) continue;
      this.#numberOf.delete(this.textOf(number));
      this.#values[number] = '';
      this.#postings[number] = 0;
    }
  }

  #lengthAt(number: number): number {
    const postings = this.#postings[number] ?? 0;
    if (typeof postings !== 'number') return postings.length;
    return postings === 0 ? 0 : 1;
  }

  /** The numbers of the values that the matcher's text or expression stands for, whether or not it is negated. */
  #matchingNumbers(matcher: Matcher): readonly number[] {
    if (matcher.operator === '=' || matcher.operator === '!=') return this.#numbersOf([matcher.value]);
    const shape = shapeOf(matcher.value);
    if (shape.kind === 'literals') return this.#numbersOf(shape.values);
    const cached = this.#cached(matcher.value);
    this.#extend(cached, { shape, matcher, until: this.#values.length });
    return cached.matching;
  }

  async #matchingInSlices(matcher: Matcher, stretch: Stretch): Promise<readonly number[]> {
    if (matcher.operator === '=' || matcher.operator === '!=') return this.#numbersOf([matcher.value]);
    const shape = shapeOf(matcher.value);
    if (shape.kind === 'literals') return this.#numbersOf(shape.values);
    const cached = this.#cached(matcher.value);
    while (cached.seen < this.#values.length) {
      this.#extend(cached, { shape, matcher, until: cached.seen + TRIED_PER_LOOK });
      if (stretch.isOver) await stretch.pause();
    }
    return cached.matching;
  }

  /** Nothing to wait for where the value has few series: there may be a million of such values. */
  #gather(number: number, into: RefSet, stretch: Stretch): Promise<void> | undefined {
    const postings = this.#postings[number] ?? 0;
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

  /** What is remembered of an expression, which becomes the last to be forgotten. */
  #cached(expression: string): CachedExpression {
    const cached = this.#cache.get(expression) ?? { seen: 0, matching: [] };
    this.#cache.delete(expression);
    this.#cache.set(expression, cached);
    if (this.#cache.size > MAX_CACHED_EXPRESSIONS) {
      const [oldest] = this.#cache.keys();
      if (oldest !== undefined) this.#cache.delete(oldest);
    }
    return cached;
  }

  #numbersOf(values: readonly string[]): number[] {
    const numbers = new Set<number>();
    for (const value of values) {
      const number = this.#numberOf.get(value);
      if (number !== undefined) numbers.add(number);
    }
    return [...numbers];
  }

  /** Tries the values that the expression has not been tried on, up to a number. */
  #extend(
    cached: CachedExpression,
    search: { readonly shape: RegexShape; readonly matcher: Matcher; readonly until: number },
  ): void {
    const { shape, matcher } = search;
    const positive = matcher.operator === '=~';
    const end = Math.min(this.#values.length, search.until);
    for (; cached.seen < end; cached.seen++) {
      const value = this.textOf(cached.seen);
      if (shape.kind === 'literals' || !value.startsWith(shape.prefix)) continue;
      const isMatch =
        shape.kind === 'prefix'
          ? !shape.nonEmptyRest || value.length > shape.prefix.length
          : matcher.matches(value) === positive;
      if (isMatch) cached.matching.push(cached.seen);
    }
  }

  #union(numbers: readonly number[]): Uint32Array {
    const lists: Uint32Array[] = [];
    const single = new Uint32Array(numbers.length);
    let singles = 0;
    for (const number of numbers) {
      const postings = this.#postings[number] ?? 0;
      if (typeof postings !== 'number') lists.push(postings.view());
      else if (postings !== 0) single[singles++] = postings;
    }
    if (singles > 0) lists.push(sortRefs(single.subarray(0, singles)));
    return lists.length === 0 ? NONE : unionOfDisjoint(lists);
  }
}

import type { Matcher, Stretch } from '#telemetry';
import type { RegexShape } from './regex-shape.ts';
import { RowSet } from './row-set.ts';

/** Regular expressions whose matching values are remembered, per label name … */
const MAX_EXPRESSIONS = 64;
/** … and how many values all of them match, 8 bytes each; the newest is kept whatever it matches. */
const MAX_MATCHING = 8_000_000;
/** Values that an expression is tried on between two looks at the clock. */
const TRIED_PER_LOOK = 128;
/** An expression that so many new values under old numbers have to be tried on begins anew. */
const MAX_RETRIED = 8192;

interface CachedExpression {
  /** How many numbers have been tried. */
  seen: number;
  /** The list of reused numbers that it knows, and how many of them are taken into account. */
  reused: readonly number[];
  reusedSeen: number;
  /** Numbers below `seen` that stand for another value since they were tried. */
  retries: number[];
  matching: number[];
}

/** The values of a label by number; a number may be given to another value. */
interface NumberedValues {
  /** All numbers that have been given are below this. */
  end(): number;
  /** The value that has a number now; empty where none has. */
  textOf(number: number): string;
}

/** Which values of a label regular expressions match, so that each is tried once on each value. */
export class TriedExpressions {
  readonly #values: NumberedValues;
  readonly #cache = new Map<string, CachedExpression>();
  /** Numbers that were given to another value, in order; what has been tried on the old one has to be tried anew. */
  #reused: number[] = [];

  constructor(values: NumberedValues) {
    this.#values = values;
  }

  /** The numbers of the values that a matcher's expression stands for, whether or not it is negated. */
  matching(matcher: Matcher, shape: RegexShape): readonly number[] {
    const cached = this.#cached(matcher.value);
    this.#extend(cached, { shape, matcher, maxValues: Number.POSITIVE_INFINITY });
    return cached.matching;
  }

  /** As `matching`, giving the event loop its turns. */
  async matchingInSlices(matcher: Matcher, shape: RegexShape, stretch: Stretch): Promise<readonly number[]> {
    const cached = this.#cached(matcher.value);
    while (this.#untried(cached) > 0) {
      this.#extend(cached, { shape, matcher, maxValues: TRIED_PER_LOOK });
      if (stretch.isOver) await stretch.pause();
    }
    return cached.matching;
  }

  /** How many values an expression has to be tried on yet. */
  untriedBy(expression: string): number {
    const cached = this.#cache.get(expression);
    return cached ? this.#untried(cached) : this.#values.end();
  }

  /** A number stands for another value from now on. */
  noteReuse(number: number): void {
    if (this.#cache.size === 0) return;
    if (this.#reused.length >= Math.max(MAX_RETRIED, this.#values.end())) this.forgetAll();
    else this.#reused.push(number);
  }

  forgetAll(): void {
    this.#reused = [];
    this.#cache.clear();
  }

  /** What is remembered of an expression, which becomes the last to be forgotten. */
  #cached(expression: string): CachedExpression {
    const cached = this.#cache.get(expression) ?? {
      seen: 0,
      reused: this.#reused,
      reusedSeen: this.#reused.length,
      retries: [],
      matching: [],
    };
    this.#cache.delete(expression);
    this.#cache.set(expression, cached);
    this.#makeRoom();
    return cached;
  }

  /** Those that were not asked for the longest go; the newest stays. */
  #makeRoom(): void {
    let matching = 0;
    for (const one of this.#cache.values()) matching += one.matching.length;
    for (const [expression, one] of this.#cache) {
      const isTooMuch = this.#cache.size > MAX_EXPRESSIONS || matching > MAX_MATCHING;
      if (!isTooMuch || this.#cache.size === 1) return;
      this.#cache.delete(expression);
      matching -= one.matching.length;
    }
  }

  #untried(cached: CachedExpression): number {
    if (cached.reused !== this.#reused) return this.#values.end();
    const reused = this.#reused.length - cached.reusedSeen;
    return this.#values.end() - cached.seen + cached.retries.length + reused;
  }

  /** Tries up to so many of the values that the expression has not been tried on. */
  #extend(
    cached: CachedExpression,
    search: { readonly shape: RegexShape; readonly matcher: Matcher; readonly maxValues: number },
  ): void {
    this.#takeReuseIn(cached);
    let left = search.maxValues;
    for (; left > 0 && cached.retries.length > 0; left--)
      this.#try(cached, cached.retries.pop() ?? 0, search);
    for (; left > 0 && cached.seen < this.#values.end(); left--) this.#try(cached, cached.seen++, search);
  }

  #try(
    cached: CachedExpression,
    number: number,
    { shape, matcher }: { readonly shape: RegexShape; readonly matcher: Matcher },
  ): void {
    const value = this.#values.textOf(number);
    if (value === '' || shape.kind === 'literals' || !value.startsWith(shape.prefix)) return;
    const isMatch =
      shape.kind === 'prefix'
        ? !shape.nonEmptyRest || value.length > shape.prefix.length
        : matcher.matches(value) === (matcher.operator === '=~');
    if (isMatch) cached.matching.push(number);
  }

  /** What was found out about numbers that stand for other values now is forgotten. */
  #takeReuseIn(cached: CachedExpression): void {
    const reused = this.#reused;
    const isSame = cached.reused === reused;
    if (isSame && cached.reusedSeen === reused.length) return;
    if (!isSame || reused.length - cached.reusedSeen > MAX_RETRIED) {
      cached.matching = [];
      cached.retries = [];
      cached.seen = 0;
    } else {
      const changed = new RowSet(this.#values.end());
      for (let at = cached.reusedSeen; at < reused.length; at++) {
        const number = reused[at] ?? 0;
        if (number < cached.seen) changed.add(number);
      }
      const stays = (number: number): boolean => !changed.has(number);
      // New lists: a search that pauses may be walking along the old one.
      cached.matching = cached.matching.filter(stays);
      cached.retries = [...cached.retries.filter(stays), ...changed.sorted()];
    }
    cached.reused = reused;
    cached.reusedSeen = reused.length;
  }
}

import { type Labels, literalAlternatives, matchesAll, type Matcher, unpaced } from '#telemetry';

interface Entry<Item> {
  readonly item: Item;
  readonly matchers: readonly Matcher[];
}

type Bucket<Item> = Set<Entry<Item>>;

/** A regular expression of more words than these is looked at for each label set that has its label. */
export const maxIndexedWords = 50;

/**
 * Things that stand for label sets by matchers, found by a label set: each lies under the value of one label that its
 * matchers ask for (the one under which the fewest lie), or under the name of a label that has to be there, so that a label set
 * is held against few of many.
 */
export class MatcherIndex<Item> {
  readonly #byValue = new Map<string, Map<string, Bucket<Item>>>();
  readonly #byName = new Map<string, Bucket<Item>>();
  readonly #others: Bucket<Item> = new Set();
  readonly #entries = new Map<Item, Entry<Item>[]>();
  #unvalued = 0;

  /** How many matcher sets ask for no value of a label: each costs something with every label set. */
  get unvalued(): number {
    return this.#unvalued;
  }

  /** Adds a thing, or another set of matchers by which it stands for label sets. */
  add(item: Item, matchers: readonly Matcher[]): void {
    const entry = { item, matchers };
    const entries = this.#entries.get(item);
    if (entries) entries.push(entry);
    else this.#entries.set(item, [entry]);
    if (!asksForValue(matchers)) this.#unvalued++;
    for (const bucket of this.#placesFor(matchers)) bucket.add(entry);
  }

  delete(item: Item): void {
    for (const entry of this.#entries.get(item) ?? []) {
      if (!asksForValue(entry.matchers)) this.#unvalued--;
      this.#take(entry);
    }
    this.#entries.delete(item);
  }

  /** The things one of whose matcher sets accepts the label set, each once, in no order. */
  find(labels: Labels): Item[] {
    return unpaced(this.finding(labels));
  }

  /** As `find`, with a pause offered after each thing that is looked at: there may be a thousand regular expressions. */
  *finding(labels: Labels): Generator<void, Item[]> {
    const found: Item[] = [];
    for (const bucket of this.#bucketsFor(labels)) {
      for (const { item, matchers } of bucket) {
        if (matchesAll(matchers, labels) && !found.includes(item)) found.push(item);
        yield;
      }
    }
    return found;
  }

  /** Where all lie that may stand for a label set. */
  #bucketsFor(labels: Labels): readonly Bucket<Item>[] {
    const buckets = [this.#others];
    for (const name of Object.keys(labels)) {
      const value = labels[name] ?? '';
      if (value === '') continue;
      const valued = this.#byValue.get(name)?.get(value);
      const named = this.#byName.get(name);
      if (valued) buckets.push(valued);
      if (named) buckets.push(named);
    }
    return buckets;
  }

  /** The smallest places where a label set that these matchers accept is sure to come by. */
  #placesFor(matchers: readonly Matcher[]): readonly Bucket<Item>[] {
    const byValue = matchers.flatMap((matcher) => {
      const values = valuesOf(matcher);
      return values ? [values.map((value) => this.#valued(matcher.name, value))] : [];
    });
    const smallest = leastOf(byValue, (buckets) => buckets.reduce((sum, { size }) => sum + size, 0));
    if (smallest) return smallest;
    const byName = matchers.flatMap((matcher) => (matcher.matches('') ? [] : [this.#named(matcher.name)]));
    return [leastOf(byName, ({ size }) => size) ?? this.#others];
  }

  #valued(name: string, value: string): Bucket<Item> {
    let values = this.#byValue.get(name);
    if (!values) this.#byValue.set(name, (values = new Map<string, Bucket<Item>>()));
    let bucket = values.get(value);
    if (!bucket) values.set(value, (bucket = new Set()));
    return bucket;
  }

  #named(name: string): Bucket<Item> {
    let bucket = this.#byName.get(name);
    if (!bucket) this.#byName.set(name, (bucket = new Set()));
    return bucket;
  }

  /** From wherever it lies; places that are empty then go. */
  #take(entry: Entry<Item>): void {
    this.#others.delete(entry);
    for (const matcher of entry.matchers) {
      const { name } = matcher;
      const named = this.#byName.get(name);
      named?.delete(entry);
      if (named?.size === 0) this.#byName.delete(name);
      const values = this.#byValue.get(name);
      if (!values) continue;
      for (const value of valuesOf(matcher) ?? []) {
        const bucket = values.get(value);
        bucket?.delete(entry);
        if (bucket?.size === 0) values.delete(value);
      }
      if (values.size === 0) this.#byValue.delete(name);
    }
  }
}

/** Whether matchers ask for one of a few values of a label, by which what they stand for is found. */
export function asksForValue(matchers: readonly Matcher[]): boolean {
  return matchers.some((matcher) => valuesOf(matcher) !== null);
}

/** The few values that a matcher accepts; null where they are many, or a missing label is one. */
function valuesOf({ operator, value }: Matcher): readonly string[] | null {
  if (operator === '=') return value === '' ? null : [value];
  if (operator !== '=~') return null;
  const words = literalAlternatives(value);
  return words && words.length <= maxIndexedWords && !words.includes('') ? words : null;
}

function leastOf<T>(all: readonly T[], measure: (one: T) => number): T | undefined {
  let [least] = all;
  for (const one of all) if (least !== undefined && measure(one) < measure(least)) least = one;
  return least;
}

import { labelValue, METRIC_NAME_LABEL, TextNumbers, type Labels } from '#telemetry';
import { finishHash, HashNumbers, mixHash } from './hash-numbers.ts';
import { dropLabels, keepLabels } from './label-sets.ts';
import { byRows, type Steps } from './pacing.ts';
import type { VectorTable } from './vector-table.ts';

/** Numbers label sets by what counts of them, from 0 in the order in which they come up. */
export interface LabelNumbers {
  readonly count: number;
  /** The number of what counts of a label set; a new one where nothing is equal. */
  numberOf(labels: Labels): number;
}

/** By the values of some labels. */
class NumbersByValues implements LabelNumbers {
  readonly #names: readonly string[];
  readonly #numbers = new HashNumbers();
  readonly #values = new ValueNumbers();
  /** A label set of each number, as it came. */
  readonly #first: Labels[] = [];
  #sought: Labels = {};

  constructor(names: readonly string[]) {
    this.#names = names;
  }

  get count(): number {
    return this.#numbers.count;
  }

  numberOf(labels: Labels): number {
    let hash = 0;
    for (const name of this.#names) hash = mixHash(hash, this.#values.numberOf(labelValue(labels, name)));
    hash = finishHash(hash);
    this.#sought = labels;
    const known = this.#numbers.find(hash, this.#isSought);
    if (known >= 0) return known;
    this.#first.push(labels);
    return this.#numbers.add(hash);
  }

  readonly #isSought = (number: number): boolean => {
    const first = this.#first[number] ?? {};
    for (const name of this.#names) {
      if (labelValue(first, name) !== labelValue(this.#sought, name)) return false;
    }
    return true;
  };
}

/** By the values of one label: what numbers the values numbers the label sets. */
class NumbersByValue implements LabelNumbers {
  readonly #name: string;
  readonly #values = new ValueNumbers();

  constructor(name: string) {
    this.#name = name;
  }

  get count(): number {
    return this.#values.count;
  }

  numberOf(labels: Labels): number {
    return this.#values.numberOf(labelValue(labels, this.#name));
  }
}

/** All are alike. */
class OneNumber implements LabelNumbers {
  count = 0;

  numberOf(): number {
    this.count = 1;
    return 0;
  }
}

/** By all labels but some. Neither their order nor those without a value count. */
export class NumbersByOthers implements LabelNumbers {
  readonly #ignored: ReadonlySet<string>;
  readonly #numbers = new HashNumbers();
  readonly #values = new ValueNumbers();
  readonly #names = new ValueNumbers();
  /** A label set of each number, as it came. */
  readonly #first: Labels[] = [];
  #sought: Labels = {};
  #soughtSize = 0;

  constructor(ignored: ReadonlySet<string>) {
    this.#ignored = ignored;
  }

  get count(): number {
    return this.#numbers.count;
  }

  numberOf(labels: Labels): number {
    let sum = 0;
    let size = 0;
    for (const name in labels) {
      const value = labels[name];
      if (!value || this.#ignored.has(name)) continue;
      const ofName = this.#names.numberOf(name);
      sum = (sum + finishHash(mixHash(ofName, this.#values.numberOf(value)))) | 0;
      size++;
    }
    const hash = finishHash(sum);
    this.#sought = labels;
    this.#soughtSize = size;
    const known = this.#numbers.find(hash, this.#isSought);
    if (known >= 0) return known;
    this.#first.push(labels);
    return this.#numbers.add(hash);
  }

  readonly #isSought = (number: number): boolean => {
    const first = this.#first[number] ?? {};
    let size = 0;
    for (const name in first) {
      const value = first[name];
      if (!value || this.#ignored.has(name)) continue;
      if (this.#sought[name] !== value) return false;
      size++;
    }
    return size === this.#soughtSize;
  };
}

/** Texts by numbers from 0 on. */
class ValueNumbers {
  readonly #numbers = new TextNumbers();
  /** Neighbours often have the same value. */
  #lastText: string | null = null;
  #lastNumber = 0;

  get count(): number {
    return this.#numbers.size;
  }

  numberOf(text: string): number {
    if (text === this.#lastText) return this.#lastNumber;
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.add(text, number);
    }
    this.#lastText = text;
    this.#lastNumber = number;
    return number;
  }
}

/** Numbers label sets by what `on (…)`, `ignoring (…)`, `by (…)` or `without (…)` leaves of them, from 0. */
export class Grouping {
  readonly #names: readonly string[];
  readonly #dropped: ReadonlySet<string> | null;
  readonly #numbers: LabelNumbers;

  /** @param mode whether `names` alone count, or all labels but `names` and the metric name */
  constructor(names: readonly string[], mode: 'only' | 'except') {
    this.#names = mode === 'only' ? [...new Set(names)] : names;
    this.#dropped = mode === 'except' ? new Set([...names, METRIC_NAME_LABEL]) : null;
    this.#numbers = this.#dropped ? new NumbersByOthers(this.#dropped) : numbersBy(this.#names);
  }

  get count(): number {
    return this.#numbers.count;
  }

  /** The number of a label set's group; a new one where none is equal. */
  groupOf(labels: Labels): number {
    return this.#numbers.numberOf(labels);
  }

  /** The group of each row. */
  *groupsOf(table: VectorTable): Steps<Int32Array> {
    const groups = new Int32Array(table.rowCount);
    yield* byRows(table, (row) => {
      groups[row] = this.groupOf(table.labels[row] ?? {});
    });
    return groups;
  }

  /** What the group keeps of a label set. */
  labelsOf(labels: Labels): Labels {
    return this.#dropped ? dropLabels(labels, this.#dropped) : keepLabels(labels, this.#names);
  }
}

function numbersBy(names: readonly string[]): LabelNumbers {
  const [first] = names;
  if (first === undefined) return new OneNumber();
  return names.length === 1 ? new NumbersByValue(first) : new NumbersByValues(names);
}

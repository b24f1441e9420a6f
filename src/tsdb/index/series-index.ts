import {
  type Labels,
  type Matcher,
  METRIC_NAME_LABEL,
  OmoiError,
  type SeriesRef,
  type Stretch,
} from '#telemetry';
import type { TsdbLimits } from '../limits.ts';
import { IdentityTable } from './identity-table.ts';
import { checkLabels, labelSetOf, presentNames } from './label-set.ts';
import { LabelValues } from './label-values.ts';
import { PostingList, intersect, subtract } from './postings.ts';
import { RefSet } from './ref-set.ts';

const NONE = new Uint32Array(0);
/**
 * Candidates are tried one by one, rather than an expression on all values of a label (which is then remembered),
 * where they are few, or fewer than the values by this factor.
 */
const FEW_CANDIDATES = 256;
const VALUES_PER_CANDIDATE = 8;
/** Candidates looked up in a set, and candidates that an expression is tried on, between two looks at the clock. */
const CANDIDATES_PER_LOOK = 8192;
const TRIED_PER_LOOK = 128;

/**
 * Which series exist and which label values they have. References are numbered from 1 and not reused; 0 is none.
 */
export class SeriesIndex {
  readonly #limits: TsdbLimits;
  readonly #names = new Map<string, LabelValues>();
  readonly #nameNumbers = new Map<string, number>();
  readonly #identities = new IdentityTable();
  readonly #labels: (Labels | undefined)[] = [undefined];
  readonly #hashes: number[] = [0];
  readonly #all = new PostingList();
  readonly #removalWatches = new Set<(ref: SeriesRef, labels: Labels) => void>();

  constructor(limits: TsdbLimits) {
    this.#limits = limits;
  }

  get seriesCount(): number {
    return this.#all.length;
  }

  /** The highest reference given out so far. */
  get highestRef(): SeriesRef {
    return this.#labels.length - 1;
  }

  get labelPairCount(): number {
    let count = 0;
    for (const values of this.#names.values()) count += values.valueCount;
    return count;
  }

  /** The label set of a live series. */
  labelsOf(ref: SeriesRef): Labels | undefined {
    return this.#labels[ref];
  }

  /** The reference of a label set, or 0. */
  find(labels: Labels): SeriesRef {
    return this.#find(labels, presentNames(labels));
  }

  /**
   * The reference of a label set, made when it is new.
   * @throws OmoiError `labels_invalid`, `series_limit_reached`
   */
  findOrAdd(labels: Labels): SeriesRef {
    const names = presentNames(labels);
    const known = this.#find(labels, names);
    if (known !== 0) return known;
    checkLabels(labels, names, this.#limits);
    this.#checkRoom(labels[METRIC_NAME_LABEL] ?? '');
    return this.#add(labels, names);
  }

  /**
   * As `findOrAdd` for a series that had been taken in before: the limits do not count. A log may name more series
   * than there ever were at a time, and limits may have been lowered.
   */
  restore(labels: Labels): SeriesRef {
    const names = presentNames(labels);
    return this.#find(labels, names) || this.#add(labels, names);
  }

  /** The series that all matchers accept, ascending. A view: read it before the index changes. */
  select(matchers: readonly Matcher[]): Uint32Array {
    let found: Uint32Array | null = null;
    const later: Matcher[] = [];
    for (const matcher of matchers) {
      if (matcher.operator !== '=' || matcher.value === '') {
        later.push(matcher);
        continue;
      }
      const having = this.#names.get(matcher.name)?.seriesWith(matcher.value) ?? NONE;
      found = found ? intersect(found, having) : having;
      if (found.length === 0) return NONE;
    }
    for (const matcher of later) {
      found = this.#narrow(found, matcher);
      if (found.length === 0) return NONE;
    }
    return found ?? this.#all.view();
  }

  /**
   * As `select`, giving the event loop its turns. The array is the caller's. Series that come meanwhile may be left
   * out; those that go meanwhile may be in it, and have no labels any more.
   */
  async selectInSlices(matchers: readonly Matcher[], stretch: Stretch): Promise<Uint32Array> {
    let found: Uint32Array | null = null;
    const later: Matcher[] = [];
    for (const matcher of matchers) {
      if (matcher.operator !== '=' || matcher.value === '') {
        later.push(matcher);
        continue;
      }
      const having: Uint32Array = this.#names.get(matcher.name)?.seriesWith(matcher.value) ?? NONE;
      found = found ? intersect(found, having) : having.slice();
      if (found.length === 0) return NONE;
      if (stretch.isOver) await stretch.pause();
    }
    for (const matcher of later) {
      found = await this.#narrowInSlices(found, matcher, stretch);
      if (found.length === 0) return NONE;
    }
    return found ?? this.#all.view().slice();
  }

  /** Does a part of the work that `select` would have with new expressions; true when none is left. */
  prepare(matchers: readonly Matcher[], maxValues: number): boolean {
    return matchers.every((matcher) => this.#names.get(matcher.name)?.prepare(matcher, maxValues) ?? true);
  }

  /** The values of a label; undefined where no series ever had it. */
  valuesOf(name: string): LabelValues | undefined {
    return this.#names.get(name);
  }

  /** Each label name that was ever in use, with its values. */
  names(): IterableIterator<LabelValues> {
    return this.#names.values();
  }

  /** How many series a metric has. */
  seriesOfMetric(metricName: string): number {
    return this.#names.get(METRIC_NAME_LABEL)?.countOf(metricName) ?? 0;
  }

  /** Forgets series, given in ascending order. Their references are not given out again. */
  remove(refs: readonly SeriesRef[]): void {
    const removed: SeriesRef[] = [];
    const affected = new Map<LabelValues, Map<number, SeriesRef[]>>();
    for (const ref of refs) {
      const labels = this.#labels[ref];
      if (!labels) continue;
      removed.push(ref);
      for (const name of Object.keys(labels)) {
        const values = this.#names.get(name);
        const number = values?.numberOf(labels[name] ?? '');
        if (!values || number === undefined) continue;
        let ofValues = affected.get(values);
        if (!ofValues) affected.set(values, (ofValues = new Map()));
        const ofNumber = ofValues.get(number);
        if (ofNumber) ofNumber.push(ref);
        else ofValues.set(number, [ref]);
      }
      this.#identities.remove(this.#hashes[ref] ?? 0, ref);
      this.#labels[ref] = undefined;
      for (const watch of this.#removalWatches) watch(ref, labels);
    }
    for (const [values, ofValues] of affected) values.removeSeries(ofValues);
    this.#all.remove(removed);
  }

  /** Tells of every series that is forgotten, until the function that comes back is called. */
  watchRemovals(watch: (ref: SeriesRef, labels: Labels) => void): () => void {
    this.#removalWatches.add(watch);
    return () => this.#removalWatches.delete(watch);
  }

  #find(labels: Labels, names: readonly string[]): SeriesRef {
    const hash = this.#hashOf(labels, names);
    return hash === null ? 0 : this.#identities.find(hash, (ref) => this.#hasLabels(ref, labels, names));
  }

  #narrow(found: Uint32Array | null, matcher: Matcher): Uint32Array {
    const acceptsMissing = matcher.matches('');
    const values = this.#names.get(matcher.name);
    if (!values) return acceptsMissing ? (found ?? this.#all.view()) : NONE;
    if (found && isFew(found.length, values.valueCount) && !values.isCheap(matcher)) {
      return this.#tryEach(found, matcher);
    }
    if (acceptsMissing) return subtract(found ?? this.#all.view(), values.seriesWhere(matcher, false));
    const accepted = values.seriesWhere(matcher, true);
    return found ? intersect(found, accepted) : accepted;
  }

  async #narrowInSlices(found: Uint32Array | null, matcher: Matcher, stretch: Stretch): Promise<Uint32Array> {
    // Before the first pause: the set below knows nothing of series that come later.
    const candidates = found ?? this.#all.view().slice();
    const acceptsMissing = matcher.matches('');
    const values = this.#names.get(matcher.name);
    if (!values) return acceptsMissing ? candidates : NONE;
    if (found && isFew(found.length, values.valueCount) && !values.isCheap(matcher)) {
      const accepts = this.#verdictsOf(matcher);
      return keepInSlices(candidates, { keep: accepts, perLook: TRIED_PER_LOOK, stretch });
    }
    const gathered = new RefSet(this.highestRef);
    await values.gatherWhere(matcher, !acceptsMissing, { into: gathered, stretch });
    if (!found && !acceptsMissing) return gathered.sortedInSlices(stretch);
    const keep = acceptsMissing
      ? (ref: SeriesRef) => !gathered.has(ref)
      : (ref: SeriesRef) => gathered.has(ref);
    return keepInSlices(candidates, { keep, perLook: CANDIDATES_PER_LOOK, stretch });
  }

  /** The candidates that a matcher accepts. */
  #tryEach(found: Uint32Array, matcher: Matcher): Uint32Array {
    return found.filter(this.#verdictsOf(matcher));
  }

  /** Whether a matcher accepts a series; each value is tried once. */
  #verdictsOf(matcher: Matcher): (ref: SeriesRef) => boolean {
    const verdicts = new Map<string, boolean>();
    return (ref) => {
      const value = this.#labels[ref]?.[matcher.name] ?? '';
      let verdict = verdicts.get(value);
      if (verdict === undefined) verdicts.set(value, (verdict = matcher.matches(value)));
      return verdict;
    };
  }

  #checkRoom(metricName: string): void {
    if (this.seriesCount >= this.#limits.maxSeries) {
      throw new OmoiError(
        'series_limit_reached',
        `The store holds ${this.seriesCount} series; max_series is ${this.#limits.maxSeries}.`,
        { limit: 'max_series' },
      );
    }
    const ofMetric = this.seriesOfMetric(metricName);
    if (ofMetric >= this.#limits.maxSeriesPerMetric) {
      throw new OmoiError(
        'series_limit_reached',
        `The metric ${metricName} has ${ofMetric} series; max_series_per_metric is ${this.#limits.maxSeriesPerMetric}.`,
        { limit: 'max_series_per_metric' },
      );
    }
  }

  #add(labels: Labels, names: readonly string[]): SeriesRef {
    const ref = this.#labels.length;
    const kept = labelSetOf(names, (name) => {
      const values = this.#valuesOf(name);
      const number = values.intern(labels[name] ?? '');
      values.addSeries(number, ref);
      return values.textOf(number);
    });
    const hash = this.#hashOf(labels, names) ?? 0;
    this.#labels.push(kept);
    this.#hashes.push(hash);
    this.#identities.add(hash, ref);
    this.#all.add(ref);
    return ref;
  }

  #valuesOf(name: string): LabelValues {
    let values = this.#names.get(name);
    if (!values) {
      values = new LabelValues(name);
      this.#names.set(name, values);
      this.#nameNumbers.set(name, this.#nameNumbers.size + 1);
    }
    return values;
  }

  /** A hash over the numbers of names and values, or null where one of them is new and so the series must be. */
  #hashOf(labels: Labels, names: readonly string[]): number | null {
    let hash = 0;
    for (const name of names) {
      const nameNumber = this.#nameNumbers.get(name);
      const valueNumber = this.#names.get(name)?.numberOf(labels[name] ?? '');
      if (nameNumber === undefined || valueNumber === undefined) return null;
      hash = mix(mix(hash, nameNumber), valueNumber);
    }
    return hash >>> 0;
  }

  #hasLabels(ref: SeriesRef, labels: Labels, names: readonly string[]): boolean {
    const candidate = this.#labels[ref];
    if (!candidate || Object.keys(candidate).length !== names.length) return false;
    for (const name of names) if (candidate[name] !== labels[name]) return false;
    return true;
  }
}

/** The references that `keep` accepts. */
async function keepInSlices(
  refs: Uint32Array,
  {
    keep,
    perLook,
    stretch,
  }: { readonly keep: (ref: SeriesRef) => boolean; readonly perLook: number; readonly stretch: Stretch },
): Promise<Uint32Array> {
  const kept = new Uint32Array(refs.length);
  let count = 0;
  for (let at = 0; at < refs.length; at++) {
    if (at % perLook === 0 && stretch.isOver) await stretch.pause();
    const ref = refs[at] ?? 0;
    if (keep(ref)) kept[count++] = ref;
  }
  return kept.subarray(0, count);
}

function isFew(candidates: number, values: number): boolean {
  return candidates <= FEW_CANDIDATES || candidates * VALUES_PER_CANDIDATE <= values;
}

/** One round of the 32-bit MurmurHash3 body and its final mixer. */
function mix(hash: number, word: number): number {
  let mixed = Math.imul(word, 0xcc9e2d51);
  mixed = Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593) ^ hash;
  mixed = Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  return mixed ^ (mixed >>> 13);
}

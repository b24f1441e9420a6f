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
import { RowSet } from './row-set.ts';
import { SeriesSenders } from './series-senders.ts';
import { SeriesRows, type IndexEpoch, type SeriesNumber, type SeriesRow } from './series-rows.ts';

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
 * Which series exist and which label values they have. A row is used again when its series is gone: who looks at rows
 * again after a pause asks whether they are still `from` the time before it.
 */
export class SeriesIndex {
  readonly #limits: TsdbLimits;
  readonly #names = new Map<string, LabelValues>();
  readonly #identities = new IdentityTable();
  readonly #rows = new SeriesRows();
  readonly #all = new PostingList();
  readonly #untidy = new Set<PostingList>();
  readonly #removalWatches = new Set<(row: SeriesRow, labels: Labels) => void>();
  /** Who sends the series. */
  readonly senders = new SeriesSenders(
    this.#rows,
    (metricName) => this.#names.get(METRIC_NAME_LABEL)?.seriesWith(metricName) ?? NONE,
  );
  #namesSeen = 0;

  constructor(limits: TsdbLimits) {
    this.#limits = limits;
  }

  get seriesCount(): number {
    return this.#all.length;
  }

  /** All rows are below this. */
  get rowsEnd(): SeriesRow {
    return this.#rows.end;
  }

  /** The number of the newest series: for `isFrom`. */
  get epoch(): IndexEpoch {
    return this.#rows.epoch;
  }

  /** Whether a row has the series that it had at that time. */
  isFrom(row: SeriesRow, epoch: IndexEpoch): boolean {
    return this.#rows.isFrom(row, epoch);
  }

  /** The reference that stands for the series of a row, and for no other ever. */
  refOf(row: SeriesRow): SeriesRef {
    return this.#rows.refOf(row);
  }

  /** What the log calls the series of a row. */
  numberOf(row: SeriesRow): SeriesNumber {
    return this.#rows.numberOf(row);
  }

  /** The row of a reference's series; 0 where it is gone or never was. */
  rowOf(ref: SeriesRef): SeriesRow {
    return this.#rows.rowOf(ref);
  }

  get labelPairCount(): number {
    let count = 0;
    for (const values of this.#names.values()) count += values.valueCount;
    return count;
  }

  /** The label set of a live series. */
  labelsOf(row: SeriesRow): Labels | undefined {
    return this.#rows.labelsOf(row);
  }

  /** The row of a label set, or 0. */
  find(labels: Labels): SeriesRow {
    return this.#find(labels, presentNames(labels));
  }

  /**
   * The row of a label set, made when it is new.
   * @throws OmoiError `labels_invalid`, `series_limit_reached`
   */
  findOrAdd(labels: Labels): SeriesRow {
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
  restore(labels: Labels): SeriesRow {
    const names = presentNames(labels);
    return this.#find(labels, names) || this.#add(labels, names);
  }

  /** The series that all matchers accept, ascending. A view: read it before the index changes. */
  select(matchers: readonly Matcher[]): Uint32Array {
    const { ofOneValue, later } = this.#byCost(matchers);
    let found: Uint32Array | null = null;
    for (const matcher of ofOneValue) {
      const having = this.#seriesHaving(matcher);
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
   * Series among which are all that the matchers accept, ascending, and whether they accept one of them: for whoever asks
   * about few. Costs nothing before. A view: read it before the index changes.
   */
  candidates(matchers: readonly Matcher[]): {
    readonly rows: Uint32Array;
    readonly accepts: (row: SeriesRow) => boolean;
  } {
    const { ofOneValue, later } = this.#byCost(matchers);
    const [rarest, ...others] = ofOneValue;
    const verdicts = [
      ...others.map((matcher) => this.#equals(matcher)),
      ...later.map((matcher) => this.#verdictsOf(matcher)),
    ];
    return {
      rows: rarest ? this.#seriesHaving(rarest) : this.#all.view(),
      accepts: (row) => verdicts.every((accepts) => accepts(row)),
    };
  }

  /** A number of series that `select` does not exceed, without looking for them. */
  atMost(matchers: readonly Matcher[]): number {
    let most = this.seriesCount;
    for (const matcher of matchers) {
      if (!asksForValue(matcher)) continue;
      most = Math.min(most, this.#names.get(matcher.name)?.countOf(matcher.value) ?? 0);
    }
    return most;
  }

  /**
   * As `select`, giving the event loop its turns. The array is the caller's. Of the series that come meanwhile some may
   * be in it, whether or not they match: what counts is what is `from` the epoch before the call.
   */
  async selectInSlices(matchers: readonly Matcher[], stretch: Stretch): Promise<Uint32Array> {
    const { ofOneValue, later } = this.#byCost(matchers);
    let found: Uint32Array | null = null;
    for (const matcher of ofOneValue) {
      const having = this.#seriesHaving(matcher);
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

  /** The values of a label; undefined where no series has it. */
  valuesOf(name: string): LabelValues | undefined {
    return this.#names.get(name);
  }

  /** Each label name in use, with its values. */
  names(): IterableIterator<LabelValues> {
    return this.#names.values();
  }

  /** How many series a metric has. */
  seriesOfMetric(metricName: string): number {
    return this.#names.get(METRIC_NAME_LABEL)?.countOf(metricName) ?? 0;
  }

  /**
   * Forgets series, given in ascending order. Their rows are given to others, their references never again. What each list
   * that had them is moved for is left to `tidy`: several at once took 100 ms where there are two million series.
   */
  remove(rows: readonly SeriesRow[]): void {
    const removed: SeriesRow[] = [];
    const affected = new Map<LabelValues, Map<number, SeriesRow[]>>();
    for (const row of rows) {
      const labels = this.#rows.labelsOf(row);
      if (!labels) continue;
      removed.push(row);
      for (const name of Object.keys(labels)) {
        const values = this.#names.get(name);
        const number = values?.numberOf(labels[name] ?? '');
        if (!values || number === undefined) continue;
        let ofValues = affected.get(values);
        if (!ofValues) affected.set(values, (ofValues = new Map()));
        const ofNumber = ofValues.get(number);
        if (ofNumber) ofNumber.push(row);
        else ofValues.set(number, [row]);
      }
      this.#identities.remove(this.#rows.hashOf(row), row);
      this.senders.removing(row, labels);
      this.#rows.remove(row);
      for (const watch of this.#removalWatches) watch(row, labels);
    }
    const onUntidy = (list: PostingList): void => void this.#untidy.add(list);
    for (const [values, ofValues] of affected) {
      values.removeSeries(ofValues, onUntidy);
      if (values.valueCount === 0) this.#names.delete(values.name);
    }
    if (this.#all.remove(removed)) onUntidy(this.#all);
    this.senders.removed();
  }

  /** Tidies one list, or part of the identities, of those that series were forgotten in. @returns whether there was one */
  tidy(): boolean {
    const [list] = this.#untidy;
    if (list === undefined) return this.#identities.tidy();
    this.#untidy.delete(list);
    list.tidy();
    return true;
  }

  /** Tells of every series that is forgotten, until the function that comes back is called. */
  watchRemovals(watch: (row: SeriesRow, labels: Labels) => void): () => void {
    this.#removalWatches.add(watch);
    return () => this.#removalWatches.delete(watch);
  }

  #find(labels: Labels, names: readonly string[]): SeriesRow {
    const hash = this.#hashOf(labels, names);
    return hash === null ? 0 : this.#identities.find(hash, (row) => this.#hasLabels(row, labels, names));
  }

  /** First those that ask for one value, from that on which the fewest series have: what is looked up in the others is as few. */
  #byCost(matchers: readonly Matcher[]): {
    readonly ofOneValue: readonly Matcher[];
    readonly later: readonly Matcher[];
  } {
    const [ofOneValue, later]: [Matcher[], Matcher[]] = [[], []];
    for (const matcher of matchers) (asksForValue(matcher) ? ofOneValue : later).push(matcher);
    const having = ({ name, value }: Matcher): number => this.#names.get(name)?.countOf(value) ?? 0;
    return { ofOneValue: ofOneValue.sort((a, b) => having(a) - having(b)), later };
  }

  #seriesHaving({ name, value }: Matcher): Uint32Array {
    return this.#names.get(name)?.seriesWith(value) ?? NONE;
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
    const gathered = new RowSet(this.#rows.end);
    await values.gatherWhere(matcher, !acceptsMissing, { into: gathered, stretch });
    if (!found && !acceptsMissing) return gathered.sortedInSlices(stretch);
    const keep = acceptsMissing
      ? (row: SeriesRow) => !gathered.has(row)
      : (row: SeriesRow) => gathered.has(row);
    return keepInSlices(candidates, { keep, perLook: CANDIDATES_PER_LOOK, stretch });
  }

  /** The candidates that a matcher accepts. */
  #tryEach(found: Uint32Array, matcher: Matcher): Uint32Array {
    return found.filter(this.#verdictsOf(matcher));
  }

  #equals({ name, value }: Matcher): (row: SeriesRow) => boolean {
    return (row) => this.#rows.labelsOf(row)?.[name] === value;
  }

  /** Whether a matcher accepts a series; each value is tried once. */
  #verdictsOf(matcher: Matcher): (row: SeriesRow) => boolean {
    const verdicts = new Map<string, boolean>();
    return (row) => {
      const value = this.#rows.labelsOf(row)?.[matcher.name] ?? '';
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

  #add(labels: Labels, names: readonly string[]): SeriesRow {
    const ofNames = names.map((name) => this.#valuesOf(name));
    const numbers = ofNames.map((values, at) => values.intern(labels[names[at] ?? ''] ?? ''));
    const kept = labelSetOf(names, (_, at) => ofNames[at]?.textOf(numbers[at] ?? 0) ?? '');
    let hash = 0;
    ofNames.forEach((values, at) => (hash = mix(mix(hash, values.nameNumber), numbers[at] ?? 0)));
    hash >>>= 0;
    const row = this.#rows.add(kept, hash);
    ofNames.forEach((values, at) => values.addSeries(numbers[at] ?? 0, row));
    this.#identities.add(hash, row);
    this.#all.add(row);
    this.senders.added(kept);
    return row;
  }

  #valuesOf(name: string): LabelValues {
    let values = this.#names.get(name);
    if (!values) {
      values = new LabelValues(name, ++this.#namesSeen);
      this.#names.set(name, values);
    }
    return values;
  }

  /** A hash over the numbers of names and values, or null where one of them is new and so the series must be. */
  #hashOf(labels: Labels, names: readonly string[]): number | null {
    let hash = 0;
    for (const name of names) {
      const values = this.#names.get(name);
      const valueNumber = values?.numberOf(labels[name] ?? '');
      if (!values || valueNumber === undefined) return null;
      hash = mix(mix(hash, values.nameNumber), valueNumber);
    }
    return hash >>> 0;
  }

  #hasLabels(row: SeriesRow, labels: Labels, names: readonly string[]): boolean {
    const candidate = this.#rows.labelsOf(row);
    if (!candidate || Object.keys(candidate).length !== names.length) return false;
    for (const name of names) if (candidate[name] !== labels[name]) return false;
    return true;
  }
}

/** The rows that `keep` accepts. */
async function keepInSlices(
  rows: Uint32Array,
  {
    keep,
    perLook,
    stretch,
  }: { readonly keep: (row: SeriesRow) => boolean; readonly perLook: number; readonly stretch: Stretch },
): Promise<Uint32Array> {
  const kept = new Uint32Array(rows.length);
  let count = 0;
  for (let at = 0; at < rows.length; at++) {
    if (at % perLook === 0 && stretch.isOver) await stretch.pause();
    const row = rows[at] ?? 0;
    if (keep(row)) kept[count++] = row;
  }
  return kept.subarray(0, count);
}

/** Whether a matcher accepts one value, which no series without the label has. */
function asksForValue({ operator, value }: Matcher): boolean {
  return operator === '=' && value !== '';
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

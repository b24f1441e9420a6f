import {
  type Clock,
  type HistogramValue,
  type Labels,
  type LatestSamples,
  type Matcher,
  type SelectedSeries,
  type Selection,
  Stretch,
  wordsOf,
} from '#telemetry';
import { SampleColumns } from '../chunk/sample-columns.ts';
import type { SeriesIndex } from '../index/series-index.ts';
import type { IndexEpoch, SeriesRow } from '../index/series-rows.ts';
import { ROW_MASK } from '../rows/row-allocator.ts';
import type { Head } from './head.ts';
import type { TimedHistogram } from './histogram-series.ts';
import { isLong, readLong } from './long-series.ts';
import { SampleSlab, tooMuch } from './sample-slab.ts';
import { HAS_HISTOGRAMS, NEWEST_IS_HISTOGRAM } from './series-states.ts';

const NO_LABELS: Labels = {};
const NO_HISTOGRAMS: readonly TimedHistogram[] = [];
/** Series decoded, and newest samples read, between two looks at the clock. */
const SERIES_PER_LOOK = 8;
const LATEST_PER_LOOK = 256;
/** So few series are selected, and their newest samples read, without a pause. */
const FEW_SERIES = 5000;

const scratch = new SampleColumns();

/** What the head has of the selected series. Series without a sample in the interval are left out. */
export function selectFromHead(index: SeriesIndex, head: Head, selection: Selection): SelectedSeries[] {
  if (selection.latestOnly) return toSeries(selectLatestFromHead(index, head, selection));
  const slab = new SampleSlab(selection);
  for (const row of index.select(selection.matchers)) readInto(slab, { index, head, row, selection });
  return slab.series;
}

export interface SlicedSelection {
  readonly selection: Selection;
  readonly clock: Clock;
}

/** As `selectFromHead`, giving the event loop a turn every few milliseconds. */
export async function selectFromHeadInSlices(
  index: SeriesIndex,
  head: Head,
  sliced: SlicedSelection,
): Promise<SelectedSeries[]> {
  const { selection, clock } = sliced;
  if (selection.latestOnly) return toSeries(await selectLatestInSlices(index, head, sliced));
  const stretch = stretchOf(selection, clock);
  const slab = new SampleSlab(selection);
  const { epoch } = index;
  const rows = await index.selectInSlices(selection.matchers, stretch);
  for (let at = 0; at < rows.length; at++) {
    if (at % SERIES_PER_LOOK === 0 && stretch.isOver) await stretch.pause();
    const row = rows[at] ?? 0;
    // The series may be gone, and another one in its row.
    if (!index.isFrom(row, epoch)) continue;
    if (isLong(head, row, selection))
      await readLongInto(slab, { index, head, row, selection, epoch }, stretch);
    else readInto(slab, { index, head, row, selection });
  }
  return slab.series;
}

/** Stretches after whose pauses a selection's caller is asked whether it still waits. */
export function stretchOf({ afterPause }: Selection, clock: Clock): Stretch {
  return new Stretch(clock, afterPause && { afterPause });
}

interface ReadPlace {
  readonly index: SeriesIndex;
  readonly head: Head;
  readonly row: SeriesRow;
  readonly selection: Selection;
}

function readInto(slab: SampleSlab, { index, head, row, selection }: ReadPlace): void {
  const { startMs, endMs } = selection;
  scratch.length = 0;
  head.read(row, startMs, endMs, scratch);
  const histograms = head.states.hasFlag(row, HAS_HISTOGRAMS)
    ? (head.histogramsOf(row)?.read(startMs, endMs) ?? NO_HISTOGRAMS)
    : NO_HISTOGRAMS;
  slab.add(index.labelsOf(row) ?? NO_LABELS, scratch, histograms);
}

/** As `readInto`, in steps. The columns are kept as they are. */
async function readLongInto(
  slab: SampleSlab,
  { index, head, row, selection, epoch }: ReadPlace & { readonly epoch: IndexEpoch },
  stretch: Stretch,
): Promise<void> {
  const steps = readLong(head, row, { interval: selection, into: new SampleColumns(0) });
  for (;;) {
    const step = steps.next();
    if (step.done === true) {
      slab.keep({ labels: index.labelsOf(row) ?? NO_LABELS, ...step.value });
      return;
    }
    if (stretch.isOver) await stretch.pause();
    if (!index.isFrom(row, epoch)) return;
  }
}

/**
 * The newest sample in the interval of each selected series: one look into the head's flat columns a series, unless
 * the interval ends before the series' newest sample.
 * @throws OmoiError `query_limit`
 */
export function selectLatestFromHead(index: SeriesIndex, head: Head, selection: Selection): LatestSamples {
  const rows = index.select(selection.matchers);
  const latest = new LatestColumns({ index, head, selection }, rows.length);
  latest.readAll(rows);
  return latest.samples();
}

/** As `selectLatestFromHead`; a promise, and turns of the event loop, where that would take long. */
export function selectLatestWithPauses(
  index: SeriesIndex,
  head: Head,
  sliced: SlicedSelection,
): LatestSamples | Promise<LatestSamples> {
  const { selection } = sliced;
  const isQuick = selection.matchers.every(isExact) && index.atMost(selection.matchers) <= FEW_SERIES;
  return isQuick ? selectLatestFromHead(index, head, selection) : selectLatestInSlices(index, head, sliced);
}

function isExact({ operator, value }: Matcher): boolean {
  return operator === '=' && value !== '';
}

async function selectLatestInSlices(
  index: SeriesIndex,
  head: Head,
  { selection, clock }: SlicedSelection,
): Promise<LatestSamples> {
  const stretch = stretchOf(selection, clock);
  const { epoch } = index;
  const rows = await index.selectInSlices(selection.matchers, stretch);
  const latest = new LatestColumns({ index, head, selection }, rows.length);
  for (let at = 0; at < rows.length; at += LATEST_PER_LOOK) {
    if (stretch.isOver) await stretch.pause();
    // Series may be gone, and others in their rows.
    latest.readAll(rows.subarray(at, at + LATEST_PER_LOOK).filter((row) => index.isFrom(row, epoch)));
  }
  return latest.samples();
}

/** Newest samples as they are gathered. */
class LatestColumns {
  readonly #index: SeriesIndex;
  readonly #head: Head;
  readonly #selection: Selection;
  readonly #labels: Labels[] = [];
  readonly #timestampsMs: Float64Array;
  readonly #values: Float64Array;
  readonly #words: Uint32Array;
  #histograms: (HistogramValue | null)[] | null = null;
  #count = 0;

  /** @param maxRows that will be read */
  constructor(
    place: { readonly index: SeriesIndex; readonly head: Head; readonly selection: Selection },
    maxRows: number,
  ) {
    this.#index = place.index;
    this.#head = place.head;
    this.#selection = place.selection;
    this.#timestampsMs = new Float64Array(maxRows);
    this.#values = new Float64Array(maxRows);
    this.#words = wordsOf(this.#values);
  }

  /** @throws OmoiError `query_limit` */
  readAll(rows: Uint32Array): void {
    const { startMs, endMs, maxSeries = Infinity, maxSamples = Infinity } = this.#selection;
    const { states } = this.#head;
    const words = this.#words;
    const labels = this.#labels;
    let count = this.#count;
    for (const row of rows) {
      const page = states.pageOf(row);
      const at = row & ROW_MASK;
      const newestMs = page.newestMs[at] ?? 0;
      if (newestMs < startMs) continue;
      if (newestMs <= endMs && ((page.flags[at] ?? 0) & NEWEST_IS_HISTOGRAM) === 0) {
        this.#timestampsMs[count] = newestMs;
        words[2 * count] = page.newestWords[2 * at] ?? 0;
        words[2 * count + 1] = page.newestWords[2 * at + 1] ?? 0;
      } else {
        const sample = newestInside(this.#head, row, this.#selection);
        if (!sample) continue;
        this.#timestampsMs[count] = sample.timestampMs;
        words[2 * count] = sample.low;
        words[2 * count + 1] = sample.high;
        if (sample.histogram) this.#keepHistogram(count, sample.histogram);
      }
      labels.push(this.#index.labelsOf(row) ?? NO_LABELS);
      if (++count > maxSeries) throw tooMuch('series', maxSeries);
      if (count > maxSamples) throw tooMuch('samples', maxSamples);
    }
    this.#count = count;
  }

  samples(): LatestSamples {
    const count = this.#count;
    return {
      labels: this.#labels,
      timestampsMs: this.#timestampsMs.subarray(0, count),
      values: this.#values.subarray(0, count),
      ...(this.#histograms ? { histograms: this.#histograms.slice(0, count) } : {}),
    };
  }

  #keepHistogram(at: number, histogram: HistogramValue): void {
    this.#histograms ??= Array.from(this.#timestampsMs, () => null);
    this.#histograms[at] = histogram;
  }
}

interface NewestSample {
  readonly timestampMs: number;
  readonly high: number;
  readonly low: number;
  readonly histogram: HistogramValue | null;
}

/** The newest sample in the interval, by decoding no more chunks than it may be in. */
function newestInside(head: Head, row: SeriesRow, selection: Selection): NewestSample | null {
  const { startMs, endMs } = selection;
  scratch.length = 0;
  head.read(row, Math.max(startMs, head.sealed.newestStartMs(row, endMs)), endMs, scratch);
  const at = scratch.length - 1;
  const floatMs = at < 0 ? Number.NEGATIVE_INFINITY : (scratch.timestampsMs[at] ?? 0);
  const timed = head.histogramsOf(row)?.read(startMs, endMs).at(-1);
  if (timed && timed.timestampMs > floatMs) {
    return { timestampMs: timed.timestampMs, high: 0x7ff80000, low: 0, histogram: timed.histogram };
  }
  if (at < 0) return null;
  const high = scratch.words[2 * at + 1] ?? 0;
  return { timestampMs: floatMs, high, low: scratch.words[2 * at] ?? 0, histogram: null };
}

function toSeries({ labels, timestampsMs, values, histograms }: LatestSamples): SelectedSeries[] {
  return labels.map((ofSeries, at) => {
    const histogram = histograms?.[at];
    return {
      labels: ofSeries,
      timestampsMs: timestampsMs.subarray(at, at + 1),
      values: values.subarray(at, at + 1),
      ...(histogram ? { histograms: [histogram] } : {}),
    };
  });
}

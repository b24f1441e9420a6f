import {
  type Clock,
  type HistogramValue,
  type Labels,
  type LatestSamples,
  nextTurn,
  type SelectedSeries,
  type Selection,
} from '#telemetry';
import { SampleColumns } from '../chunk/sample-columns.ts';
import type { SeriesIndex } from '../index/series-index.ts';
import type { SeriesRow } from '../index/series-rows.ts';
import { ROW_MASK } from '../rows/row-allocator.ts';
import type { Head } from './head.ts';
import type { TimedHistogram } from './histogram-series.ts';
import { SampleSlab, tooMuch } from './sample-slab.ts';
import { HAS_HISTOGRAMS, NEWEST_IS_HISTOGRAM } from './series-states.ts';

const NO_LABELS: Labels = {};
const NO_HISTOGRAMS: readonly TimedHistogram[] = [];
/** How long a selection that may pause works at a stretch. */
const MAX_STRETCH_MS = 2;
/** Label values that an expression is tried on at a stretch. */
const VALUES_PER_STRETCH = 1000;
/** Series read between two looks at the clock. */
const SERIES_PER_LOOK = 8;

const scratch = new SampleColumns();

/** What the head has of the selected series. Series without a sample in the interval are left out. */
export function selectFromHead(index: SeriesIndex, head: Head, selection: Selection): SelectedSeries[] {
  if (selection.latestOnly) return toSeries(selectLatestFromHead(index, head, selection));
  const slab = new SampleSlab(selection);
  for (const row of index.select(selection.matchers)) readInto(slab, { index, head, row, selection });
  return slab.series;
}

/** As `selectFromHead`, giving the event loop a turn every few milliseconds. */
export async function selectFromHeadInSlices(
  index: SeriesIndex,
  head: Head,
  { selection, clock }: { readonly selection: Selection; readonly clock: Clock },
): Promise<SelectedSeries[]> {
  if (selection.latestOnly) return selectFromHead(index, head, selection);
  while (!index.prepare(selection.matchers, VALUES_PER_STRETCH)) await nextTurn();
  const slab = new SampleSlab(selection);
  const rows = index.select(selection.matchers).slice();
  const { epoch } = index;
  let startedMs = clock.monotonicMs();
  for (let at = 0; at < rows.length; at++) {
    if (at % SERIES_PER_LOOK === 0 && clock.monotonicMs() - startedMs > MAX_STRETCH_MS) {
      await nextTurn();
      startedMs = clock.monotonicMs();
    }
    const row = rows[at] ?? 0;
    // The series may be gone, and another one in its row.
    if (index.isFrom(row, epoch)) readInto(slab, { index, head, row, selection });
  }
  return slab.series;
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

/**
 * The newest sample in the interval of each selected series: one look into the head's flat columns a series, unless
 * the interval ends before the series' newest sample.
 * @throws OmoiError `query_limit`
 */
export function selectLatestFromHead(index: SeriesIndex, head: Head, selection: Selection): LatestSamples {
  const { startMs, endMs, maxSeries = Infinity, maxSamples = Infinity } = selection;
  const rows = index.select(selection.matchers);
  const { states } = head;
  const labels: Labels[] = [];
  const timestampsMs = new Float64Array(rows.length);
  const values = new Float64Array(rows.length);
  const words = new Uint32Array(values.buffer);
  let histograms: (HistogramValue | null)[] | null = null;
  let count = 0;
  for (const row of rows) {
    const page = states.pageOf(row);
    const at = row & ROW_MASK;
    const newestMs = page.newestMs[at] ?? 0;
    if (newestMs < startMs) continue;
    if (newestMs <= endMs && ((page.flags[at] ?? 0) & NEWEST_IS_HISTOGRAM) === 0) {
      timestampsMs[count] = newestMs;
      words[2 * count] = page.newestWords[2 * at] ?? 0;
      words[2 * count + 1] = page.newestWords[2 * at + 1] ?? 0;
    } else {
      const sample = newestInside(head, row, selection);
      if (!sample) continue;
      timestampsMs[count] = sample.timestampMs;
      words[2 * count] = sample.low;
      words[2 * count + 1] = sample.high;
      if (sample.histogram) (histograms ??= Array.from(rows, () => null))[count] = sample.histogram;
    }
    labels.push(index.labelsOf(row) ?? NO_LABELS);
    if (++count > maxSeries) throw tooMuch('series', maxSeries);
    if (count > maxSamples) throw tooMuch('samples', maxSamples);
  }
  return {
    labels,
    timestampsMs: timestampsMs.subarray(0, count),
    values: values.subarray(0, count),
    ...(histograms ? { histograms: histograms.slice(0, count) } : {}),
  };
}

interface NewestSample {
  readonly timestampMs: number;
  readonly high: number;
  readonly low: number;
  readonly histogram: HistogramValue | null;
}

/** The newest sample in the interval, by decoding. */
function newestInside(head: Head, row: SeriesRow, { startMs, endMs }: Selection): NewestSample | null {
  scratch.length = 0;
  head.read(row, startMs, endMs, scratch);
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

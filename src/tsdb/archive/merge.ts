import { labelsKey, paced, type SelectedSeries, type Selection, type Stretch, wordsOf } from '#telemetry';
import { mergeRuns } from '../chunk/merge-runs.ts';
import type { SampleColumns } from '../chunk/sample-columns.ts';
import { mergeHistogramsInSteps, SampleSlab } from '../head/sample-slab.ts';
import type { TimedHistogram } from '../head/histogram-series.ts';
import type { ArchiveFinding } from './archive-reader.ts';

/** A series with more samples than this is not merged in one go. */
const MANY_SAMPLES = 50_000;
/** Samples copied between two chances to pause: about a millisecond. */
const SAMPLES_AT_ONCE = 20_000;

/**
 * Joins what memory and archive have of a selection, one series after the other. A chunk may be on both sides while
 * it is moved: of two samples with the same time one is kept.
 * @throws OmoiError `query_limit`
 */
export async function mergeWithArchive(
  memory: readonly SelectedSeries[],
  archived: AsyncIterable<ArchiveFinding>,
  { selection, stretch }: { readonly selection: Selection; readonly stretch: Stretch },
): Promise<SelectedSeries[]> {
  const rest = new Map<string, SelectedSeries>();
  for (const series of memory) {
    rest.set(labelsKey(series.labels), series);
    if (stretch.isOver) await stretch.pause();
  }
  const slab = new SampleSlab(selection);
  for await (const { labels, floats, histograms } of archived) {
    const key = labelsKey(labels);
    const inMemory = rest.get(key);
    rest.delete(key);
    if (floats.length + (inMemory?.values.length ?? 0) > MANY_SAMPLES && !selection.latestOnly) {
      await paced(mergeLong(slab, { labels, floats, histograms }, { inMemory, selection }), stretch);
      continue;
    }
    if (inMemory) addSelected(inMemory, floats, histograms);
    floats.sortFrom(0);
    floats.trimFrom(0, selection.startMs, selection.endMs);
    const inside = sortedInside(histograms, selection);
    if (selection.latestOnly) keepNewest(floats, inside);
    slab.add(labels, floats, inside);
    if (stretch.isOver) await stretch.pause();
  }
  for (const series of rest.values()) {
    slab.keep(series);
    if (stretch.isOver) await stretch.pause();
  }
  return slab.series;
}

/** As for others, in steps, for a series with many samples; what is found becomes part of the result as it is. */
function* mergeLong(
  slab: SampleSlab,
  { labels, floats, histograms }: ArchiveFinding,
  { inMemory, selection }: { readonly inMemory: SelectedSeries | undefined; readonly selection: Selection },
): Generator<void, void, void> {
  if (inMemory) {
    const { length } = inMemory.values;
    for (let from = 0; from < length; from += SAMPLES_AT_ONCE) {
      addSelected(partOf(inMemory, from, Math.min(length, from + SAMPLES_AT_ONCE)), floats, histograms);
      yield;
    }
  }
  yield* mergeRuns(floats);
  const within = floats.within(selection.startMs, selection.endMs);
  const inside = sortedInside(histograms, selection);
  const merged = inside.length > 0 ? yield* mergeHistogramsInSteps(within, inside) : within;
  slab.keep({ labels, ...merged });
}

function partOf(series: SelectedSeries, from: number, to: number): SelectedSeries {
  const { labels, timestampsMs, values, histograms } = series;
  return {
    labels,
    timestampsMs: timestampsMs.subarray(from, to),
    values: values.subarray(from, to),
    ...(histograms ? { histograms: histograms.slice(from, to) } : {}),
  };
}

function addSelected(series: SelectedSeries, floats: SampleColumns, histograms: TimedHistogram[]): void {
  const words = wordsOf(series.values);
  floats.reserve(series.values.length);
  series.timestampsMs.forEach((timestampMs, at) => {
    const histogram = series.histograms?.[at];
    if (histogram) histograms.push({ timestampMs, histogram });
    else floats.push(timestampMs, words[2 * at + 1] ?? 0, words[2 * at] ?? 0);
  });
}

function sortedInside(
  histograms: readonly TimedHistogram[],
  { startMs, endMs }: Selection,
): TimedHistogram[] {
  const byTime = new Map<number, TimedHistogram>();
  for (const timed of histograms) {
    if (timed.timestampMs >= startMs && timed.timestampMs <= endMs) byTime.set(timed.timestampMs, timed);
  }
  return [...byTime.values()].sort((a, b) => a.timestampMs - b.timestampMs);
}

function keepNewest(floats: SampleColumns, histograms: TimedHistogram[]): void {
  const floatMs = floats.length === 0 ? -Infinity : (floats.timestampsMs[floats.length - 1] ?? 0);
  const histogramMs = histograms.at(-1)?.timestampMs ?? -Infinity;
  if (histogramMs > floatMs) {
    floats.length = 0;
    histograms.splice(0, histograms.length - 1);
    return;
  }
  histograms.length = 0;
  floats.trimFrom(0, floatMs, floatMs);
}

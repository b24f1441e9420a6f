import { labelsKey, type Labels } from '#telemetry';
import { SampleColumns } from '../chunk/sample-columns.ts';
import { SampleSlab } from '../head/sample-slab.ts';
import type { TimedHistogram } from '../head/histogram-series.ts';
import type { SelectedSeries, SeriesSelection } from '../selection.ts';
import type { ArchiveFinding } from './archive.ts';

/** One series from both sides, under construction. */
interface Merging {
  readonly labels: Labels;
  readonly floats: SampleColumns;
  histograms: TimedHistogram[];
}

/**
 * Joins what memory and archive have of a selection. A chunk may be on both sides while it is moved: of two samples
 * with the same time one is kept.
 * @throws OmoiError `query_limit`
 */
export function mergeWithArchive(
  memory: readonly SelectedSeries[],
  archived: readonly ArchiveFinding[],
  selection: SeriesSelection,
): SelectedSeries[] {
  const merging = new Map<string, Merging>();
  for (const { labels, floats, histograms } of archived) {
    merging.set(labelsKey(labels), { labels, floats, histograms: [...histograms] });
  }
  for (const series of memory) {
    const key = labelsKey(series.labels);
    let both = merging.get(key);
    if (!both) {
      both = { labels: series.labels, floats: new SampleColumns(), histograms: [] };
      merging.set(key, both);
    }
    addSelected(both, series);
  }
  const slab = new SampleSlab(selection);
  for (const { labels, floats, histograms } of merging.values()) {
    floats.sortFrom(0);
    floats.trimFrom(0, selection.startMs, selection.endMs);
    const inside = sortedInside(histograms, selection);
    if (selection.latestOnly) keepNewest(floats, inside);
    slab.add(labels, floats, inside);
  }
  return slab.series;
}

function addSelected(into: Merging, series: SelectedSeries): void {
  const words = new Uint32Array(series.values.buffer, series.values.byteOffset, series.values.length * 2);
  into.floats.reserve(series.values.length);
  series.timestampsMs.forEach((timestampMs, at) => {
    const histogram = series.histograms?.[at];
    if (histogram) into.histograms.push({ timestampMs, histogram });
    else into.floats.push(timestampMs, words[2 * at + 1] ?? 0, words[2 * at] ?? 0);
  });
}

function sortedInside(
  histograms: readonly TimedHistogram[],
  { startMs, endMs }: SeriesSelection,
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

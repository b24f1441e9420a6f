import { histogramNotation, sampleValueText } from '#promql';
import { formatDuration, formatLabels, isStaleMarker, wordsOf, type SelectedSeries } from '#telemetry';
import type { FileReport } from './test-report.ts';

/** Samples of one series that are shown, the newest. */
const MAX_SHOWN_SAMPLES = 1000;

/** What is stored at the end of each test: a line a series, its samples with the times since 1970 that they have. */
export function storedLines({ file, tests }: FileReport): readonly string[] {
  return tests.flatMap(({ line, name, stored }) =>
    stored === null ? [] : [`${file}:${line}: ${name}: ${stored.length} series`, ...stored.map(seriesLine)],
  );
}

function seriesLine({ histograms, labels, timestampsMs, values }: SelectedSeries): string {
  const words = wordsOf(values);
  const first = Math.max(0, values.length - MAX_SHOWN_SAMPLES);
  const samples: string[] = first > 0 ? [`(${first} more)`] : [];
  for (let at = first; at < values.length; at++) {
    const histogram = histograms?.[at] ?? null;
    const value = isStaleMarker(words, at)
      ? 'stale'
      : histogram === null
        ? sampleValueText(values[at] ?? Number.NaN)
        : histogramNotation(histogram);
    samples.push(`${value}@${formatDuration(timestampsMs[at] ?? 0)}`);
  }
  return `  ${formatLabels(labels)} ${samples.join(' ')}`;
}

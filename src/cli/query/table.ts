import { METRIC_NAME_LABEL, toRfc3339, type Labels } from '#telemetry';
import type { MatrixSeries, VectorElement } from './answer.ts';
import { printable } from './printable.ts';

/** The elements of an instant vector: a column a label, the value last. */
export function vectorTable(elements: readonly VectorElement[]): readonly string[] {
  return tableOf(
    elements.map(({ metric, value, histogram }) => ({
      labels: metric,
      cells: [value ? value[1] : histogramText(histogram?.[1])],
    })),
    ['VALUE'],
  );
}

/** The samples of a range vector: a row a sample. */
export function samplesTable(series: readonly MatrixSeries[]): readonly string[] {
  return tableOf(
    series.flatMap(({ metric, values, histograms }) =>
      [
        ...values.map(([seconds, text]) => ({ seconds, text })),
        ...histograms.map(([seconds, histogram]) => ({ seconds, text: histogramText(histogram) })),
      ]
        .sort((a, b) => a.seconds - b.seconds)
        .map(({ seconds, text }) => ({ labels: metric, cells: [text, toRfc3339(seconds * 1000)] })),
    ),
    ['VALUE', 'AT'],
  );
}

interface Row {
  readonly labels: Labels;
  readonly cells: readonly string[];
}

function tableOf(rows: readonly Row[], headings: readonly string[]): readonly string[] {
  const names = [...new Set(rows.flatMap(({ labels }) => Object.keys(labels)))].sort(metricNameFirst);
  const lines = [
    [...names.map((name) => (name === METRIC_NAME_LABEL ? 'METRIC' : printable(name))), ...headings],
    ...rows.map(({ labels, cells }) => [...names.map((name) => printable(labels[name] ?? '')), ...cells]),
  ];
  const widths =
    lines[0]?.map((_, column) =>
      lines.reduce((widest, line) => Math.max(widest, line[column]?.length ?? 0), 0),
    ) ?? [];
  const value = names.length;
  return lines.map((line) =>
    line
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === value ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}

function metricNameFirst(a: string, b: string): number {
  if (a === METRIC_NAME_LABEL || b === METRIC_NAME_LABEL)
    return a === b ? 0 : a === METRIC_NAME_LABEL ? -1 : 1;
  return a < b ? -1 : 1;
}

function histogramText(histogram: { readonly count: string; readonly sum: string } | undefined): string {
  return histogram ? `count ${histogram.count}, sum ${histogram.sum}` : '';
}

import { STANDARD_METRICS, toRfc3339, type Labels, type MetricSample } from '#telemetry';
import type { SeriesAppender } from './series-appender.ts';

/** One metric with all its lines, as `/metrics` shows it. */
export interface StandardFamily {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly points: readonly {
    /** What follows the family's name in a histogram. */
    readonly suffix: '' | '_bucket' | '_sum' | '_count';
    readonly labels: Labels;
    readonly value: number;
  }[];
}

const HISTOGRAM_SUFFIXES = ['_bucket', '_sum', '_count'] as const;

/** The standard metrics as they stand, in the order of the catalogue. */
export function standardFamilies(appenders: readonly SeriesAppender[]): readonly StandardFamily[] {
  const points = new Map<string, StandardFamily['points'][number][]>();
  for (const appender of appenders) {
    for (const { name, labels, value } of appender.current()) {
      const [family, suffix] = splitName(name);
      const list = points.get(family);
      if (list) list.push({ suffix, labels, value });
      else points.set(family, [{ suffix, labels, value }]);
    }
  }
  return Object.entries(STANDARD_METRICS).map(([name, { type, help }]) => ({
    name,
    type,
    help,
    points: points.get(name) ?? [],
  }));
}

export interface SampleFilter {
  /** A metric, or one series name of a histogram. */
  readonly metricName: string | null;
  /** Labels that must be equal. */
  readonly labels: Labels;
}

/** The newest samples of the kept series that the filter accepts. */
export function currentSamples(
  appenders: readonly SeriesAppender[],
  filter: SampleFilter,
): readonly MetricSample[] {
  const wanted = Object.entries(filter.labels);
  const samples: MetricSample[] = [];
  for (const appender of appenders) {
    for (const { name, labels, value, appendedAtMs } of appender.current()) {
      if (
        filter.metricName !== null &&
        filter.metricName !== name &&
        filter.metricName !== splitName(name)[0]
      )
        continue;
      if (!wanted.every(([label, text]) => (labels[label] ?? '') === text)) continue;
      if (!Number.isFinite(appendedAtMs)) continue;
      samples.push({ metric_name: name, value, labels, timestamp: toRfc3339(appendedAtMs) });
    }
  }
  return samples;
}

function splitName(name: string): [family: string, suffix: '' | '_bucket' | '_sum' | '_count'] {
  if (name in STANDARD_METRICS) return [name, ''];
  for (const suffix of HISTOGRAM_SUFFIXES) {
    if (name.endsWith(suffix)) return [name.slice(0, -suffix.length), suffix];
  }
  return [name, ''];
}

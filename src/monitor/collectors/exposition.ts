import {
  labelValue,
  STANDARD_METRICS,
  toRfc3339,
  type CollectedPoint,
  type Labels,
  type MetricSample,
} from '#telemetry';
import type { KeptSeries, SeriesAppender } from './series-appender.ts';

/** One metric with all its lines, as `/metrics` shows it; each point is read when its turn comes. */
export interface StandardFamily {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly points: Iterable<CollectedPoint>;
}

/** The standard metrics as they stand, in the order of the catalogue. */
export function* standardFamilies(
  appenders: readonly SeriesAppender[],
): Generator<StandardFamily, void, void> {
  for (const [name, { type, help }] of Object.entries(STANDARD_METRICS)) {
    yield { name, type, help, points: pointsOf(appenders, name) };
  }
}

function* pointsOf(
  appenders: readonly SeriesAppender[],
  family: string,
): Generator<CollectedPoint, void, void> {
  for (const appender of appenders) yield* appender.currentOf(family);
}

export interface SampleFilter {
  /** A metric, or one series name of a histogram. */
  readonly metricName: string | null;
  /** Labels that must be equal. */
  readonly labels: Labels;
}

/**
 * The newest samples of the kept series that the filter accepts, and null for each that it does not: who walks many of
 * those can pause. Each is read when its turn comes.
 */
export function* currentSamples(
  appenders: readonly SeriesAppender[],
  { metricName, labels: wantedLabels }: SampleFilter,
): Generator<MetricSample | null, void, void> {
  const wanted = Object.entries(wantedLabels);
  for (const { name, family, labels, value, appendedAtMs } of seriesOf(appenders, metricName)) {
    const isWanted =
      (metricName === null || metricName === name || metricName === family) &&
      wanted.every(([label, text]) => labelValue(labels, label) === text) &&
      Number.isFinite(appendedAtMs);
    yield isWanted ? { metric_name: name, value, labels, timestamp: toRfc3339(appendedAtMs) } : null;
  }
}

/** Those of one metric where it is named whole, else all. */
function* seriesOf(
  appenders: readonly SeriesAppender[],
  metricName: string | null,
): Generator<KeptSeries, void, void> {
  const family = metricName !== null && Object.hasOwn(STANDARD_METRICS, metricName) ? metricName : null;
  for (const appender of appenders) yield* family === null ? appender.current() : appender.currentOf(family);
}

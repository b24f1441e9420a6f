import { Load } from '../tsdb/load.ts';

/** What one instance has: 150 counters, ten histograms of ten buckets, 250 gauges. */
const SERIES_PER_INSTANCE = 500;
export const COUNTERS = 150;
export const GAUGES = 250;
export const HISTOGRAMS = 10;
export const JOBS = 20;

const BOUNDS = ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '+Inf'];

/** The series of a fleet of instances, twenty jobs of them; the request of a batch is the scrape of one instance. */
export function fleetLoad(instances: number): Load {
  return new Load({
    series: instances * SERIES_PER_INSTANCE,
    batchSeries: SERIES_PER_INSTANCE,
    metrics: SERIES_PER_INSTANCE,
    labelsOf: (series) => labelsOf(Math.floor(series / SERIES_PER_INSTANCE), series % SERIES_PER_INSTANCE),
  });
}

export const jobName = (job: number): string => `service-${job}`;

/** Even ones are counters, as `Load` has them. In order of the labels' names. */
function labelsOf(instance: number, place: number): [name: string, value: string][] {
  const half = place >> 1;
  const name = place % 2 === 1 ? `app_gauge_${half}` : counterName(half);
  const bucket = place % 2 === 0 && half >= COUNTERS ? BOUNDS[half % BOUNDS.length] : undefined;
  return [
    ['__name__', name],
    ['cluster', `cluster-${instance % 5}`],
    ['environment', 'production'],
    ['instance', `10.0.${instance >> 8}.${instance & 255}:9100`],
    ['job', jobName(instance % JOBS)],
    ...(bucket === undefined ? [] : [['le', bucket] satisfies [string, string]]),
    ['region', `eu-central-${instance % 3}`],
    ['version', `v1.${instance % 4}.0`],
  ];
}

const counterName = (counter: number): string =>
  counter < COUNTERS
    ? `app_counter_${counter}_total`
    : `app_latency_${Math.floor((counter - COUNTERS) / BOUNDS.length)}_seconds_bucket`;

import { SampleBatch, type HistogramValue, type Redate, type SeriesRef } from '#telemetry';
import { placeOfUnknown } from './decoder.ts';

/** One look at each sample of a request, of which there may be two million: it yields where it may pause. */
type Pass<Result> = Generator<void, Result>;

/** Samples between two looks at the clock: some tenths of a millisecond. */
const ITEMS_PER_LOOK = 10_000;

/** A larger request becomes visible in parts of this size, so that no commit holds up the event loop. */
const MAX_UNIT_SAMPLES = 20_000;
/** The first sample of a series takes as much time as ten others: the series gets its sender, and is logged with its labels. */
const MAX_UNIT_NEW_SERIES = 2000;
/** As many buckets as the samples of a unit take time: some milliseconds. */
const MAX_UNIT_BUCKETS = 100_000;
/** What a histogram costs besides its buckets, as so many more of them. */
const BUCKETS_PER_HISTOGRAM = 25;

/** Exemplars are kept by their labels' text, and logged as JSON: some microseconds each. */
const MAX_UNIT_EXEMPLARS = 1000;

/** Samples that only Omoi may write, and the first such metric. */
export interface Reserved {
  readonly samples: number;
  readonly metricName: string;
}

/** Puts right what the sender's clock says. */
export function* redateBatch(batch: SampleBatch, redate: Redate): Pass<void> {
  for (let at = 0; at < batch.length; at++) {
    if (at % ITEMS_PER_LOOK === 0) yield;
    batch.timestampsMs[at] = redate(batch.timestampsMs[at] ?? NaN);
  }
  for (const [at, { ref, exemplar }] of batch.exemplars.entries()) {
    if (at % ITEMS_PER_LOOK === 0) yield;
    batch.exemplars[at] = { ref, exemplar: { ...exemplar, timestampMs: redate(exemplar.timestampMs) } };
  }
}

/** For each series of the request that the cache did not know, 1 where the store may take some sample of it. */
export function* seriesWithTimelySamples(
  batch: SampleBatch,
  count: number,
  isTimely: (timestampMs: number) => boolean,
): Pass<Uint8Array> {
  const found = new Uint8Array(count);
  for (let at = 0; at < batch.length; at++) {
    if (at % ITEMS_PER_LOOK === 0) yield;
    const series = placeOfUnknown(batch.refs[at] ?? 0);
    if (series >= 0 && found[series] === 0 && isTimely(batch.timestampsMs[at] ?? NaN)) found[series] = 1;
  }
  return found;
}

/** How many samples stand under one of these references. */
export function* countSamplesOf(
  batch: SampleBatch,
  refs: { readonly size: number; has(ref: SeriesRef): boolean },
): Pass<number> {
  if (refs.size === 0) return 0;
  let samples = 0;
  for (let at = 0; at < batch.length; at++) {
    if (at % ITEMS_PER_LOOK === 0) yield;
    if (refs.has(batch.refs[at] ?? 0)) samples++;
  }
  return samples;
}

/** Puts the references in that stand for the series now; 0 where there is none. */
export function* replaceUnknown(batch: SampleBatch, refs: Float64Array): Pass<void> {
  const resolve = (ref: SeriesRef): SeriesRef => (ref >= 0 ? ref : (refs[placeOfUnknown(ref)] ?? 0));
  for (let at = 0; at < batch.length; at++) {
    if (at % ITEMS_PER_LOOK === 0) yield;
    batch.refs[at] = resolve(batch.refs[at] ?? 0);
  }
  const exemplars = batch.exemplars.splice(0);
  for (const [at, { ref, exemplar }] of exemplars.entries()) {
    if (at % ITEMS_PER_LOOK === 0) yield;
    const resolved = resolve(ref);
    if (resolved !== 0) batch.addExemplar(resolved, exemplar);
  }
}

/** Takes samples without a series out of the batch; how many there were. */
export function* dropWithoutSeries(batch: SampleBatch): Pass<number> {
  let kept = 0;
  for (let at = 0; at < batch.length; at++) {
    if (at % ITEMS_PER_LOOK === 0) yield;
    const ref = batch.refs[at] ?? 0;
    if (ref === 0) continue;
    if (kept !== at) {
      batch.refs[kept] = ref;
      batch.timestampsMs[kept] = batch.timestampsMs[at] ?? 0;
      batch.values[kept] = batch.values[at] ?? 0;
      batch.stale[kept] = batch.stale[at] ?? 0;
      const histogram = batch.histograms.get(at);
      batch.histograms.delete(at);
      if (histogram) batch.histograms.set(kept, histogram);
    }
    kept++;
  }
  const dropped = batch.length - kept;
  batch.length = kept;
  return dropped;
}

/** How many samples may be committed at a time of a request with so many series that may be new. */
function unitSamples(newSeries: number): number {
  return newSeries > MAX_UNIT_NEW_SERIES ? MAX_UNIT_NEW_SERIES : MAX_UNIT_SAMPLES;
}

/** Whether a batch may be committed as it is. @param newSeries how many of its series may be new */
export function fitsOneUnit(batch: SampleBatch, newSeries = 0): boolean {
  if (batch.length > unitSamples(newSeries) || batch.exemplars.length > MAX_UNIT_EXEMPLARS) return false;
  let buckets = 0;
  for (const histogram of batch.histograms.values()) {
    buckets += costOf(histogram);
    if (buckets > MAX_UNIT_BUCKETS) return false;
  }
  return true;
}

/**
 * The batch in parts; each is good until the next is asked for. Exemplars come behind the samples.
 * @param newSeries how many of its series may be new
 */
export function* partsOf(batch: SampleBatch, newSeries = 0): Generator<SampleBatch> {
  const maxSamples = unitSamples(newSeries);
  const part = new SampleBatch(maxSamples);
  let buckets = 0;
  for (let at = 0; at < batch.length; at++) {
    const ref = batch.refs[at] ?? 0;
    const timestampMs = batch.timestampsMs[at] ?? 0;
    const histogram = batch.histograms.get(at);
    if (histogram) {
      part.addHistogram(ref, timestampMs, histogram);
      buckets += costOf(histogram);
    } else if (batch.stale[at] === 1) part.addStale(ref, timestampMs);
    else part.add(ref, timestampMs, batch.values[at] ?? 0);
    if (part.length < maxSamples && buckets < MAX_UNIT_BUCKETS) continue;
    yield part;
    part.clear();
    buckets = 0;
  }
  if (part.length > 0) yield part;
  part.clear();
  for (const { ref, exemplar } of batch.exemplars) {
    part.addExemplar(ref, exemplar);
    if (part.exemplars.length < MAX_UNIT_EXEMPLARS) continue;
    yield part;
    part.clear();
  }
  if (part.exemplars.length > 0) yield part;
}

function costOf({ positiveCounts, negativeCounts, customBounds }: HistogramValue): number {
  return BUCKETS_PER_HISTOGRAM + positiveCounts.length + negativeCounts.length + customBounds.length;
}

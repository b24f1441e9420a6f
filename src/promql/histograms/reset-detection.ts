import type { HistogramValue } from '#telemetry';
import { mapToBounds, outsideZero, reduceBuckets, sharedBounds, widenedZeroBucket } from './bucket-math.ts';
import { openHistogram, type Buckets, type OpenHistogram } from './open-histogram.ts';
import { sameBounds, usesCustomBuckets } from './schema.ts';

/**
 * Whether a counter was reset between two samples: any count has become smaller, or the layout has changed as it
 * can only do with a reset (a finer resolution, a narrower zero bucket). Hints decide where they are given.
 */
export function isCounterReset(current: HistogramValue, previous: HistogramValue): boolean {
  if (current.counterReset === 'reset') return true;
  if (current.counterReset === 'not_reset') return false;
  if (current.count < previous.count) return true;
  const isCustom = usesCustomBuckets(current);
  if (isCustom !== usesCustomBuckets(previous)) return isCustom || current.schema > previous.schema;
  const now = openHistogram(current);
  const before = openHistogram(previous);
  return isCustom ? hasShrunkCustom(now, before) : hasShrunkExponential(now, before);
}

function hasShrunkCustom(now: OpenHistogram, before: OpenHistogram): boolean {
  if (sameBounds(now.customBounds, before.customBounds)) return hasShrunk(now.positive, before.positive);
  const bounds = sharedBounds(now.customBounds, before.customBounds);
  return hasShrunk(
    mapToBounds(now.positive, now.customBounds, bounds),
    mapToBounds(before.positive, before.customBounds, bounds),
  );
}

function hasShrunkExponential(now: OpenHistogram, before: OpenHistogram): boolean {
  const { schema, zeroThreshold } = now;
  if (schema > before.schema || zeroThreshold < before.zeroThreshold) return true;
  const zero = widenedZeroBucket(before, zeroThreshold);
  if (zero.threshold !== zeroThreshold || now.zeroCount < zero.count) return true;
  const visible = (buckets: Buckets, from: number): Buckets =>
    outsideZero(reduceBuckets(buckets, from, schema), schema, zeroThreshold);
  return (
    hasShrunk(visible(now.positive, schema), visible(before.positive, before.schema)) ||
    hasShrunk(visible(now.negative, schema), visible(before.negative, before.schema))
  );
}

function hasShrunk(now: Buckets, before: Buckets): boolean {
  let at = 0;
  return before.indexes.some((index, place) => {
    while (at < now.indexes.length && (now.indexes[at] ?? 0) < index) at++;
    const count = before.counts[place] ?? 0;
    return now.indexes[at] === index ? (now.counts[at] ?? 0) < count : count !== 0;
  });
}

import type { HistogramValue } from '#telemetry';

/** The schema of histograms whose bucket bounds are listed. */
const CUSTOM_BUCKETS = -53;

export function usesCustomBuckets({ schema }: { readonly schema: number }): boolean {
  return schema === CUSTOM_BUCKETS;
}

/**
 * The upper bound of a bucket of an exponential schema (the lower bound of the next): 2^(index · 2^−schema). The
 * last bucket of finite values ends at the greatest finite number, so that ±Inf has a bucket of its own.
 */
export function exponentialBound(index: number, schema: number): number {
  if (schema <= 0) {
    const exponent = index * 2 ** -schema;
    return exponent === 1024 ? Number.MAX_VALUE : 2 ** exponent;
  }
  const bucketsAnOctave = 2 ** schema;
  const octave = Math.floor(index / bucketsAnOctave);
  const within = index - octave * bucketsAnOctave;
  if (octave === 1024 && within === 0) return Number.MAX_VALUE;
  return 2 ** (within / bucketsAnOctave) * 2 ** octave;
}

/** The upper bound of a bucket in the given histogram's layout, as an absolute value. */
export function upperBound(
  index: number,
  { schema, customBounds }: Pick<HistogramValue, 'schema' | 'customBounds'>,
): number {
  if (schema !== CUSTOM_BUCKETS) return exponentialBound(index, schema);
  return index < 0 ? -Infinity : (customBounds[index] ?? Infinity);
}

/** The index of the wider bucket that a bucket falls into at a lower resolution. */
export function indexAtSchema(index: number, schema: number, targetSchema: number): number {
  return Math.ceil(index / 2 ** (schema - targetSchema));
}

export function sameBounds(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((bound, at) => bound === right[at]);
}

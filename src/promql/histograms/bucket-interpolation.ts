import type { BoundedBucket } from './bucket-walk.ts';

/**
 * The share of a bucket that lies below a value inside its finite bounds: by distance where the bucket is linear
 * (custom and zero buckets), by the distance of logarithms where it is exponential.
 */
export function shareBelow(
  { lower, upper }: BoundedBucket,
  value: number,
  scale: 'linear' | 'exponential',
): number {
  if (scale === 'linear') return (value - lower) / (upper - lower);
  const logLower = Math.log2(Math.abs(lower));
  const logUpper = Math.log2(Math.abs(upper));
  const logValue = Math.log2(Math.abs(value));
  return value > 0
    ? (logValue - logLower) / (logUpper - logLower)
    : 1 - (logValue - logUpper) / (logLower - logUpper);
}

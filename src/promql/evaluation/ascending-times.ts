/** Times looked at one by one before the search takes longer strides: the next is mostly the one. */
const NEAR = 32;

/** The first index from `start` on whose time is after `timeMs`; the times ascend. */
export function firstAfter(times: Float64Array, start: number, timeMs: number): number {
  const near = Math.min(times.length, start + NEAR);
  let at = start;
  while (at < near && (times[at] ?? 0) <= timeMs) at++;
  return at === near && at < times.length ? firstFarAfter(times, at, timeMs) : at;
}

/** By strides that double, so that a long way takes few looks, and halving what the last one passed over. */
function firstFarAfter(times: Float64Array, start: number, timeMs: number): number {
  let low = start;
  let high = start;
  for (let stride = NEAR; high < times.length && (times[high] ?? 0) <= timeMs; stride *= 2) {
    low = high + 1;
    high += stride;
  }
  high = Math.min(high, times.length);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? 0) <= timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

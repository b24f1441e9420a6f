/**
 * Whether a counter began anew between two samples, by what they say of when they began counting (0: unknown). A start at
 * the sample before is that of a delta, unless where that one began is not known. As in Prometheus's
 * `isStartTimestampReset`.
 * @param starts when the counting began, for each of `times`, in ms; empty where nothing says so
 * @param at the index of the later sample
 */
export function isStartReset(starts: Float64Array, times: Float64Array, at: number): boolean {
  const startMs = starts[at] ?? 0;
  if (startMs === 0 || startMs >= (times[at] ?? 0)) return false;
  const beforeMs = times[at - 1] ?? 0;
  if (startMs !== beforeMs) return startMs > beforeMs;
  const startBeforeMs = starts[at - 1] ?? 0;
  return startBeforeMs !== 0 && startBeforeMs < beforeMs;
}

/** Whether a sample began counting before the sample ahead of it was taken, and not when that one did. */
export function overlapsBefore(starts: Float64Array, times: Float64Array, at: number): boolean {
  const startMs = starts[at] ?? 0;
  return startMs !== 0 && startMs < (times[at - 1] ?? 0) && startMs !== (starts[at - 1] ?? 0);
}

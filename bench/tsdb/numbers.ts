export const round = (value: number, digits = 2): number => Number(value.toFixed(digits));

/**
 * The smallest of the values that at least a share of them does not exceed (nearest rank, ⌈n · share⌉); NaN of none.
 * @param share 0 to 1
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  // 0.07 * 100 is 7.000000000000001: what is a whole number but for rounding is that number.
  const rank = Math.ceil(Number((sorted.length * share).toPrecision(12)));
  return sorted[Math.max(rank, 1) - 1] ?? NaN;
}

/** Cumulative counts of a classic histogram by upper bound, as a metrics page has them. */
export type Buckets = ReadonlyMap<number, number>;

export function bucketsOf(page: string, metric: string): Buckets {
  const lines = page.matchAll(new RegExp(`^${metric}_bucket\\{le="([^"]+)"\\} (\\S+)$`, 'gm'));
  return new Map(
    Array.from(lines, ([, bound = '', count]) => [
      bound === '+Inf' ? Infinity : Number(bound),
      Number(count),
    ]),
  );
}

/** The bound that a share of what was observed between two pages stays below. */
export function boundOf(before: Buckets, after: Buckets, share: number): number {
  const since = (bound: number): number => (after.get(bound) ?? 0) - (before.get(bound) ?? 0);
  const wanted = since(Infinity) * share;
  for (const bound of after.keys()) if (since(bound) >= wanted && since(bound) > 0) return bound;
  return NaN;
}

export function observedBetween(before: Buckets, after: Buckets): number {
  return (after.get(Infinity) ?? 0) - (before.get(Infinity) ?? 0);
}

const PREFIXES = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
] as const;
const DAY_MS = 86_400_000;

/** A number in few characters: four digits that count, and a prefix where it is large. */
export function numberLabel(value: number): string {
  const magnitude = Math.abs(value);
  if (!Number.isFinite(value) || value === 0) return String(value);
  if (magnitude < 1e-3 || magnitude >= 1e15) return value.toExponential(2);
  if (magnitude >= 1e4) {
    for (const [unit, prefix] of PREFIXES) {
      if (magnitude >= unit) return `${Number((value / unit).toPrecision(4))}${prefix}`;
    }
  }
  return String(Number(value.toPrecision(4)));
}

/** A time on the axis of a chart: with the day where the chart covers more than one. */
export function timeLabel(
  timeMs: number,
  options: { readonly rangeMs: number; readonly timeZone?: string },
): string {
  const { rangeMs, timeZone } = options;
  const parts = new Intl.DateTimeFormat('en-GB', {
    ...(rangeMs > DAY_MS ? { month: 'short', day: '2-digit' } : { second: '2-digit' }),
    hour: '2-digit',
    minute: '2-digit',
    hour12: false,
    ...(timeZone !== undefined && { timeZone }),
  });
  return parts.format(timeMs).replace(',', '');
}

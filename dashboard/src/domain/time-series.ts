import type { MatrixSeries, TimeGrid } from './queue-history.ts';

/** One line of a chart: equal places of all lines and of the times belong together. */
export interface Line {
  readonly labels: Readonly<Record<string, string>>;
  /** Null where nothing was known. */
  readonly values: readonly (number | null)[];
}

export interface Lines {
  /** Seconds since epoch, ascending. */
  readonly timesSeconds: readonly number[];
  readonly lines: readonly Line[];
}

/** The answer to a range query, on the grid that was asked for. */
export function readLines(series: readonly MatrixSeries[], { start, end, step }: TimeGrid): Lines {
  const length = Math.round((end - start) / step) + 1;
  const lines = series.map(({ metric, values }) => {
    const row: (number | null)[] = Array.from({ length }, () => null);
    for (const [atSeconds, text] of values) {
      const place = Math.round((atSeconds - start) / step);
      const value = Number(text);
      if (place >= 0 && place < length && Number.isFinite(value)) row[place] = value;
    }
    return { labels: metric, values: row };
  });
  return { timesSeconds: Array.from({ length }, (_, place) => start + place * step), lines };
}

/** The newest value of a line and its largest; null where it has none. */
export function summaryOf(line: Line | undefined): {
  readonly now: number | null;
  readonly peak: number | null;
} {
  const known = line?.values.filter((value) => value !== null) ?? [];
  return {
    now: line?.values.at(-1) ?? line?.values.at(-2) ?? null,
    peak: known.length === 0 ? null : known.reduce((peak, value) => Math.max(peak, value)),
  };
}

/** The line of a series whose labels are all among those given, as of an alert, which has more: its rule’s own. */
export function lineAmong(
  lines: readonly Line[],
  labels: Readonly<Record<string, string>>,
): Line | undefined {
  return lines.find((line) =>
    Object.entries(line.labels).every(([name, value]) => name === '__name__' || labels[name] === value),
  );
}

/** A line between fewer values than these is shorter than a point, and one of a single value is none. */
const fewestInLine = 3;

/** The places of values with too few neighbours for a line that is seen, between two gaps or at an end: each is drawn as a point. */
export function lonePlaces(values: ArrayLike<number | null | undefined>): number[] {
  const lone: number[] = [];
  let run: number[] = [];
  for (let place = 0; place <= values.length; place += 1) {
    if (typeof values[place] === 'number') {
      run.push(place);
    } else {
      if (run.length < fewestInLine) lone.push(...run);
      run = [];
    }
  }
  return lone;
}

/** Of what is computed so many values are looked at within each step of a chart. */
const looksPerStep = 5;

/** A metric with its matchers, and nothing around it: its samples themselves are known. */
const SELECTOR = /^[a-zA-Z_:][\w:]*(?:\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?$/;

/**
 * The value that came nearest to the threshold, or went farthest beyond it, within each step: of a metric every sample
 * counts, so that no peak is missed, however short it was. A step in which none came has the value that the rule saw then:
 * the newest before it. Where the rule saw none either, there is a gap.
 * @param query PromQL of the value
 */
export function worstWithin(step: number, query: string, comparison: string | null): string {
  const worst = comparison === '<' || comparison === '<=' ? 'min_over_time' : 'max_over_time';
  // Adding nothing takes the metric's name off, as the function before it does: both are one line then.
  if (SELECTOR.test(query)) return `${worst}(${query}[${step}s]) or ${query} + 0`;
  return `${worst}((${query})[${step}s:${Math.max(1, Math.round(step / looksPerStep))}s])`;
}

/** The room for the labels at the left of a chart, at 11 px: what is longer than most (-1,000,000) would lose its sign. */
export function axisWidthPx(labels: readonly string[] | null): number {
  const longest = Math.max(0, ...(labels ?? []).map((label) => label.length));
  return Math.max(62, longest * 7 + 12);
}

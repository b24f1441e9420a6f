/** One series of a Prometheus matrix: times in seconds since epoch, values as text. */
export interface MatrixSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
}

/** The grid on which a range was asked for, seconds since epoch; both ends belong to it. */
export interface TimeGrid {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** Waiting tasks of each phase over time: equal places of all lists belong together. */
export interface QueueHistory {
  /** Seconds since epoch, ascending. */
  readonly timesSeconds: readonly number[];
  /** Null where nothing was known. In the order of the phases of a task’s life. */
  readonly phases: ReadonlyMap<string, readonly (number | null)[]>;
}

const PHASES: readonly string[] = [
  'PHASE_BACKLOG',
  'PHASE_REQUIREMENTS',
  'PHASE_DESIGN',
  'PHASE_IMPLEMENTATION',
  'PHASE_TESTING',
  'PHASE_DEPLOYMENT',
  'PHASE_DONE',
];

const pointsAcross = 180;

/** The grid that ends now and shows `rangeSeconds`, about one point for every two pixels. */
export function gridUntil(nowSeconds: number, rangeSeconds: number): TimeGrid {
  const step = Math.max(2, Math.round(rangeSeconds / pointsAcross));
  const end = Math.floor(nowSeconds);
  return { start: end - Math.floor(rangeSeconds / step) * step, end, step };
}

/** A matrix as history on its grid. */
export function readQueueHistory(
  matrix: readonly MatrixSeries[],
  { start, end, step }: TimeGrid,
): QueueHistory {
  const length = Math.round((end - start) / step) + 1;
  const rows = matrix.map(({ metric, values }) => {
    const row: (number | null)[] = Array.from({ length }, () => null);
    for (const [atSeconds, text] of values) {
      const place = Math.round((atSeconds - start) / step);
      if (place >= 0 && place < length) row[place] = Number(text);
    }
    return [metric.phase_id ?? 'PHASE_UNKNOWN', row] as const;
  });
  return {
    timesSeconds: Array.from({ length }, (_, place) => start + place * step),
    phases: new Map(rows.toSorted(([left], [right]) => PHASES.indexOf(left) - PHASES.indexOf(right))),
  };
}

/** How many tasks wait at the end of a history, in all phases together. */
export function waitingNow({ phases }: QueueHistory): number {
  return [...phases.values()].reduce((sum, values) => sum + (values.at(-1) ?? 0), 0);
}

/** `PHASE_IMPLEMENTATION` as people say it. */
export function phaseName(phaseId: string): string {
  const name = phaseId
    .replace(/^PHASE_/, '')
    .replaceAll('_', ' ')
    .toLowerCase();
  return name.charAt(0).toUpperCase() + name.slice(1);
}

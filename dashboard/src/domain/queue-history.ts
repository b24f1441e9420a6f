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
  /** In the order of the phases of a task’s life. */
  readonly phases: ReadonlyMap<string, PhaseHistory>;
}

export interface PhaseHistory {
  readonly now: number;
  /** The most that waited within each step; null where nothing was known. */
  readonly most: readonly (number | null)[];
}

/** One series of a Prometheus vector: its time in seconds since epoch, its value as text. */
export interface VectorSample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** The phases of a task’s life as they are where nobody says otherwise, in order. */
export const PHASES: readonly string[] = [
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

const WAITING = 'sum by (phase_id) (tasks_queued_total)';

/**
 * What waits now, and the most that waited within each step, second by second: a range must not miss a peak that a
 * shorter one shows.
 */
export function queueQueries({ step }: TimeGrid): { readonly now: string; readonly most: string } {
  return { now: WAITING, most: `max_over_time(${WAITING}[${step}s:1s])` };
}

interface QueueAnswers {
  readonly now: readonly VectorSample[];
  readonly most: readonly MatrixSeries[];
}

/** The answers to `queueQueries` as history on its grid. */
export function readQueueHistory({ now, most }: QueueAnswers, { start, end, step }: TimeGrid): QueueHistory {
  const length = Math.round((end - start) / step) + 1;
  const nowOf = new Map(now.map(({ metric, value }) => [phaseOf(metric), Number(value[1])]));
  const rows = most.map(({ metric, values }) => {
    const row: (number | null)[] = Array.from({ length }, () => null);
    for (const [atSeconds, text] of values) {
      const place = Math.round((atSeconds - start) / step);
      if (place >= 0 && place < length) row[place] = Number(text);
    }
    const phase = phaseOf(metric);
    return [phase, { now: nowOf.get(phase) ?? 0, most: row }] as const;
  });
  return {
    timesSeconds: Array.from({ length }, (_, place) => start + place * step),
    phases: new Map(rows.toSorted(([left], [right]) => comparePhases(left, right))),
  };
}

/** As a task goes through them; those of other names come behind, by name. */
function comparePhases(left: string, right: string): number {
  const place = (phase: string): number => (PHASES.includes(phase) ? PHASES.indexOf(phase) : PHASES.length);
  return place(left) - place(right) || left.localeCompare(right);
}

function phaseOf(labels: MatrixSeries['metric']): string {
  return labels.phase_id ?? 'PHASE_UNKNOWN';
}

/** How many tasks wait, in all phases together. */
export function waitingNow({ phases }: QueueHistory): number {
  return [...phases.values()].reduce((sum, { now }) => sum + now, 0);
}

/** `PHASE_IMPLEMENTATION` as people say it; a name of their own as it is. */
export function phaseName(phaseId: string): string {
  if (!phaseId.startsWith('PHASE_')) return phaseId;
  const name = phaseId
    .replace(/^PHASE_/, '')
    .replaceAll('_', ' ')
    .toLowerCase();
  return name.charAt(0).toUpperCase() + name.slice(1);
}

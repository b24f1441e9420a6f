import {
  METRIC_NAME_LABEL,
  type AppendNotice,
  type AppendOrigin,
  type Labels,
  type SeriesRef,
} from '#telemetry';

/** How many series with a traced newest sample a rule remembers; the oldest are forgotten first. */
const MAX_TRACED_SERIES = 256;

interface TracedSeries {
  readonly traceparent: string;
  /** When the first append of that trace arrived, wall ms. */
  readonly sinceMs: number;
  readonly labels: Labels;
}

/**
 * Remembers for one rule which of its series' newest samples came with a trace. A trace holds as long as the
 * newest sample of some series carries it: a detector repeats the trace of an anomaly while that is open.
 */
export class Provenance {
  readonly #traced = new Map<SeriesRef, TracedSeries>();
  #dirtyOrigin: AppendOrigin | null = null;
  #forgotten = 0;

  /** How many series were forgotten for others. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** @param labelsOf the label set of a reference of the notice */
  note(notice: AppendNotice, labelsOf: (ref: SeriesRef) => Labels): void {
    const { origin, refs } = notice;
    this.#dirtyOrigin ??= origin;
    if (origin.traceparent === null) {
      if (this.#traced.size > 0) for (const ref of refs) this.#traced.delete(ref);
      return;
    }
    for (const ref of refs) {
      if (this.#traced.get(ref)?.traceparent === origin.traceparent) continue;
      this.#traced.delete(ref);
      this.#traced.set(ref, {
        traceparent: origin.traceparent,
        sinceMs: origin.receivedAtMs,
        labels: labelsOf(ref),
      });
      if (this.#traced.size > MAX_TRACED_SERIES) {
        for (const oldest of this.#traced.keys()) {
          this.#traced.delete(oldest);
          this.#forgotten++;
          break;
        }
      }
    }
  }

  /**
   * The traceparents that can have to do with an element of these labels (their series contradict none of them),
   * the one that has held longest first.
   */
  tracesFor(labels: Labels): readonly string[] {
    if (this.#traced.size === 0) return [];
    const fitting = [...this.#traced.values()]
      .filter((series) => agree(series.labels, labels))
      .sort((a, b) => a.sinceMs - b.sinceMs);
    return [...new Set(fitting.map(({ traceparent }) => traceparent))];
  }

  /** The append that made the rule dirty first since it was last asked for; null where none did. */
  takeDirtyOrigin(): AppendOrigin | null {
    const origin = this.#dirtyOrigin;
    this.#dirtyOrigin = null;
    return origin;
  }
}

function agree(series: Labels, element: Labels): boolean {
  return Object.entries(element).every(([name, value]) => {
    const own = series[name];
    return name === METRIC_NAME_LABEL || own === undefined || own === value;
  });
}

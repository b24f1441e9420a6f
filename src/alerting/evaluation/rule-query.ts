import type { HistogramValue, Labels, Matcher } from '#telemetry';
import type { SlicedWork } from './sliced-work.ts';

/** One element of an instant vector. A histogram's value reads as 0 in alerts, as in Prometheus's rules. */
export interface VectorElement {
  /** With `__name__` where the result has one. */
  readonly labels: Labels;
  readonly value: number;
  readonly histogram?: HistogramValue;
}

/** A rule's expression, ready to be evaluated. */
export interface RuleQuery {
  /** The series whose samples can change the result. */
  readonly selectors: readonly (readonly Matcher[])[];
  /** The metric and the number where the expression compares one metric with a number. */
  readonly metricName: string | null;
  readonly threshold: number | null;
  /** The operator between them, as if the metric stood on the left. */
  readonly comparison: string | null;
  /** How far back an evaluation looks, in ms. */
  readonly reachMs: number;
  /** Whether each element has that label in common with all series that it rests on; false where that can't be told. */
  readonly sharesLabel: (name: string) => boolean;
  /** @throws OmoiError `query_failed`, `query_limit`, `query_timeout` … */
  evaluate(timeMs: number): SlicedWork<readonly VectorElement[]>;
  /**
   * The elements there are before any comparison drops some: what has none there has vanished. Null where a miss
   * can't be a lack of data (`absent(…)`).
   */
  evaluateData(timeMs: number): SlicedWork<readonly VectorElement[] | null>;
}

import type { RollingWindow } from './rolling-window.ts';

/** What is normal for a series: its middle, and how far it strays upwards and downwards. */
export interface Baseline {
  readonly median: number;
  readonly p95: number;
  /** Standard deviations, estimated robustly; never 0. */
  readonly scaleUp: number;
  readonly scaleDown: number;
}

/** MAD × this estimates the standard deviation of normally distributed values: 1 / Φ⁻¹(3/4). */
const MAD_TO_DEVIATION = 1.4826;
/** Φ⁻¹(0.95): how many standard deviations the 95th percentile lies above the middle. */
const P95_DEVIATIONS = 1.645;
/** Of counts, a change by one is never remarkable. */
const WHOLE_SCALE_FLOOR = 1;
/** Of measures, a change by this share of the middle is never remarkable. */
const RELATIVE_SCALE_FLOOR = 0.05;

/**
 * Reads the baseline of a window.
 *
 * The scale is the largest of three estimates. The median absolute deviation alone is 0 for a series that sits
 * still most of the time and jumps now and then (a queue that is mostly empty); the 5th and 95th percentiles see
 * such regular jumps, each side for itself. The floor keeps a constant series from dividing by zero and from
 * screaming at its first change: a constant says nothing about its own unit, so whole numbers are taken for counts.
 * @param scaleFloor what one unit of noise is at least, where the watcher knows; else null
 */
export function baselineOf(window: RollingWindow, scaleFloor: number | null): Baseline {
  const median = window.quantile(0.5);
  const p95 = window.quantile(0.95);
  const middleSpread = window.medianDistanceFrom(median) * MAD_TO_DEVIATION;
  const relative = Math.abs(median) * RELATIVE_SCALE_FLOOR;
  const floor = Math.max(relative, scaleFloor ?? (window.isWhole ? WHOLE_SCALE_FLOOR : Number.MIN_VALUE));
  return {
    median,
    p95,
    scaleUp: Math.max(middleSpread, (p95 - median) / P95_DEVIATIONS, floor),
    scaleDown: Math.max(middleSpread, (median - window.quantile(0.05)) / P95_DEVIATIONS, floor),
  };
}

/** Scores end here: beyond, bigger says nothing more. */
const MAX_SCORE = 1000;

/** How many robust standard deviations a value lies above (positive) or below (negative) the middle. */
export function signedScore(value: number, baseline: Baseline): number {
  const distance = value - baseline.median;
  const score = distance / (distance >= 0 ? baseline.scaleUp : baseline.scaleDown);
  return Math.max(-MAX_SCORE, Math.min(MAX_SCORE, score));
}

/**
 * The baseline that gave `value` its score: what an anomaly's record still knows of the past of its series.
 * @returns null where the record does not tell
 */
export function baselineBehind(record: {
  readonly value: number;
  readonly expected: number | null;
  readonly score: number;
}): Baseline | null {
  const { value, expected, score } = record;
  if (expected === null || !(score > 0) || value === expected) return null;
  const scale = Math.abs(value - expected) / score;
  return { median: expected, p95: expected, scaleUp: scale, scaleDown: scale };
}

import type { AppendOrigin } from '#telemetry';
import { baselineOf, signedScore, type Baseline } from './baseline.ts';
import { RollingWindow } from './rolling-window.ts';
import type { Watch } from './watch.ts';

/** The baseline: one value a second for five minutes. */
const baselineSamples = 300;
/** Without this many learned values nothing is judged. */
const warmUpSamples = 20;
/** While an anomaly is open only every so manieth second is learned: a lasting change becomes normal in hours. */
const openLearningStride = 60;
/** What a bound is held against: the last half minute, whatever it is. */
const recentSamples = 30;
const increaseSeconds = 10;
/** Differences of larger values could overflow. */
const maxReckonedValue = 1e300;

export interface Judgement {
  /** A magnitude in robust standard deviations, rounded to 0.1. */
  readonly score: number;
  readonly kind: 'spike' | 'drop' | 'threshold_breach';
  readonly value: number;
  readonly expected: number;
}

/**
 * One watched series. Samples arrive at any pace (collectors append on change), so that counting them would weigh
 * busy moments more than quiet ones. Instead the present value is read on a grid of time: what is learned, and what
 * is judged, are readings of the same kind.
 */
export class SeriesJudge {
  readonly #watch: Watch;
  readonly #p95Bound: number | null;
  readonly #window = new RollingWindow(baselineSamples);
  readonly #recent: RollingWindow | null;
  /** For `increase`: the counter at the last seconds, as a ring. */
  readonly #counterSeconds = new Float64Array(increaseSeconds);
  #seconds = 0;
  #strideSeconds = 0;
  #baseline: Baseline | null = null;
  /** What was normal before a restart, for as long as the anomaly that was open then lasts. */
  #inherited: Baseline | null;
  #present = Number.NaN;
  #countedBeforeReset = 0;
  /** The append that brought the present value. */
  origin: AppendOrigin | null = null;
  /** Monotonic ms of the newest sample. */
  heardAtMs = 0;

  /** @param p95Bound in the reading's unit; null for none */
  constructor(watch: Watch, p95Bound: number | null, inherited: Baseline | null) {
    this.#watch = watch;
    this.#p95Bound = p95Bound;
    this.#inherited = inherited;
    this.#recent = p95Bound === null ? null : new RollingWindow(recentSamples);
  }

  get #isWarm(): boolean {
    return this.#window.length >= warmUpSamples;
  }

  /** Takes a sample; values that are no numbers to reckon with say nothing. */
  note(value: number, origin: AppendOrigin): void {
    this.heardAtMs = origin.receivedMonotonicMs;
    if (!(Math.abs(value) <= maxReckonedValue)) return;
    // A repeated value keeps the origin of the change.
    if (value !== this.#present) this.origin = origin;
    if (value < this.#present && this.#watch.reading === 'increase')
      this.#countedBeforeReset += this.#present;
    this.#present = value;
  }

  /** To be called once a second. @param anomalyOpen what is abnormal now should not become normal soon */
  learn(anomalyOpen: boolean): void {
    if (!anomalyOpen) this.#inherited = null;
    const reading = this.#read();
    if (Number.isNaN(reading)) return;
    this.#recent?.push(reading);
    const slowly = anomalyOpen && (this.#isWarm || this.#inherited !== null);
    if (!slowly || ++this.#strideSeconds >= openLearningStride) {
      this.#strideSeconds = 0;
      this.#window.push(reading);
      this.#baseline = null;
    }
    this.#counterSeconds[this.#seconds++ % increaseSeconds] = this.#counted;
  }

  /** Judges the present; null before the baseline is warm. */
  judge(): Judgement | null {
    const baseline = this.#normal();
    const value = this.#read();
    if (baseline === null || Number.isNaN(value)) return null;
    const signed = signedScore(value, baseline);
    const score = signed < 0 && this.#watch.direction === 'up' ? 0 : Math.abs(signed);
    const expected = baseline.median;
    const breach = this.#breach();
    if (breach !== null && breach.score > score) return { ...breach, kind: 'threshold_breach', expected };
    return { score: round(score), kind: signed < 0 ? 'drop' : 'spike', value, expected };
  }

  #normal(): Baseline | null {
    if (!this.#isWarm) return this.#inherited;
    return (this.#baseline ??= baselineOf(this.#window, this.#watch.scaleFloor));
  }

  get #counted(): number {
    return this.#countedBeforeReset + this.#present;
  }

  #read(): number {
    if (this.#watch.reading === 'value') return this.#present;
    if (this.#seconds === 0) return 0;
    const oldest = this.#seconds < increaseSeconds ? 0 : this.#seconds % increaseSeconds;
    return this.#counted - (this.#counterSeconds[oldest] ?? 0);
  }

  /** A passed bound scores as high as an anomaly needs, more the further it is passed. */
  #breach(): { readonly score: number; readonly value: number } | null {
    const bound = this.#p95Bound;
    if (bound === null || !this.#recent || this.#recent.length < recentSamples) return null;
    const p95 = this.#recent.quantile(0.95);
    if (p95 <= bound) return null;
    return { score: round(BREACH_SCORE * (1 + (p95 - bound) / Math.max(Math.abs(bound), 1))), value: p95 };
  }
}

/** At the bound itself: above any sensible opening threshold. */
const BREACH_SCORE = 5;

function round(score: number): number {
  return Math.round(score * 10) / 10;
}

import { labelsKey, type Clock, type Labels, type SelfMetrics, type Timer } from '#telemetry';
import type { KeptSeries, SeriesAppender } from './series-appender.ts';

const selfTickMs = 15_000;

/** Keeps Omoi's own metrics, `omoi_*`. */
export class SelfCollector {
  readonly #metrics: SelfMetrics;
  readonly #appender: SeriesAppender;
  readonly #clock: Clock;
  readonly #series = new Map<string, KeptSeries>();
  #tick: Timer | null = null;

  constructor(metrics: SelfMetrics, appender: SeriesAppender, clock: Clock) {
    this.#metrics = metrics;
    this.#appender = appender;
    this.#clock = clock;
  }

  start(): void {
    this.#tick = this.#clock.every(selfTickMs, () => this.#collect());
  }

  stop(): void {
    this.#tick?.cancel();
  }

  #collect(): void {
    const seen = new Set<string>();
    for (const { name, points } of this.#metrics.collect()) {
      for (const { suffix, labels, value } of points) {
        const key = name + suffix + labelsKey(labels);
        seen.add(key);
        this.#appender.put(this.#at(key, name + suffix, labels), value);
      }
    }
    this.#end(seen);
    this.#appender.repeat();
    this.#appender.flush();
  }

  /** What nobody tells of any more vanishes. */
  #end(seen: ReadonlySet<string>): void {
    for (const [key, series] of this.#series) {
      if (seen.has(key)) continue;
      this.#series.delete(key);
      this.#appender.remove(series);
    }
  }

  #at(key: string, name: string, labels: Labels): KeptSeries {
    let series = this.#series.get(key);
    if (!series) this.#series.set(key, (series = this.#appender.open(name, labels)));
    return series;
  }
}

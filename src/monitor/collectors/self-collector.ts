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
    for (const { name, points } of this.#metrics.collect()) {
      for (const { suffix, labels, value } of points) {
        this.#appender.put(this.#at(name + suffix, labels), value);
      }
    }
    this.#appender.repeat();
    this.#appender.flush();
  }

  #at(name: string, labels: Labels): KeptSeries {
    const key = name + labelsKey(labels);
    let series = this.#series.get(key);
    if (!series) this.#series.set(key, (series = this.#appender.open(name, labels)));
    return series;
  }
}

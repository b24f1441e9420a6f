import { DURATION_BUCKETS_SECONDS, STANDARD_METRICS, type Labels, type StandardMetric } from '#telemetry';
import type { KeptSeries, SeriesBook } from './series-book.ts';

/** The members of one metric by the values of its labels, in the order of the catalogue. */
abstract class Family<Member> {
  readonly #labelNames: readonly string[];
  readonly #members = new Map<string, { readonly values: readonly string[]; readonly member: Member }>();

  constructor(metric: StandardMetric) {
    this.#labelNames = STANDARD_METRICS[metric].labels;
  }

  at(...values: readonly string[]): Member {
    const key = values.join('\xFF');
    const known = this.#members.get(key);
    if (known) return known.member;
    const labels: Record<string, string> = {};
    this.#labelNames.forEach((name, place) => {
      labels[name] = values[place] ?? '';
    });
    const member = this.open(labels);
    this.#members.set(key, { values, member });
    return member;
  }

  /** Removes the members that carry the label value. */
  removeWhere(label: string, value: string): void {
    const place = this.#labelNames.indexOf(label);
    if (place === -1) return;
    for (const [key, { values, member }] of this.#members) {
      if (values[place] !== value) continue;
      this.#members.delete(key);
      this.close(member);
    }
  }

  protected *members(): IterableIterator<Member> {
    for (const { member } of this.#members.values()) yield member;
  }

  protected abstract open(labels: Labels): Member;
  protected abstract close(member: Member): void;
}

class SeriesFamily extends Family<KeptSeries> {
  protected readonly book: SeriesBook;
  readonly #metric: StandardMetric;

  constructor(book: SeriesBook, metric: StandardMetric) {
    super(metric);
    this.book = book;
    this.#metric = metric;
  }

  protected open(labels: Labels): KeptSeries {
    return this.book.open(this.#metric, labels);
  }

  protected close(series: KeptSeries): void {
    this.book.remove(series);
  }
}

/** A metric whose values are set. */
export class GaugeFamily extends SeriesFamily {
  set(value: number, ...labelValues: readonly string[]): void {
    this.book.put(this.at(...labelValues), value);
  }

  /** Sets every member to the sum that `amounts` adds up for it; those it does not mention to 0. */
  setTotals(amounts: ReadonlyMap<KeptSeries, number>): void {
    for (const series of this.members()) this.book.put(series, amounts.get(series) ?? 0);
  }
}

/** A metric that only grows; it starts at 0 when the server starts, like any Prometheus counter. */
export class CounterFamily extends SeriesFamily {
  increment(...labelValues: readonly string[]): void {
    const series = this.at(...labelValues);
    this.book.put(series, (Number.isNaN(series.value) ? 0 : series.value) + 1);
  }
}

interface HistogramSeries {
  /** One for each bound, the last for +Inf. */
  readonly buckets: readonly KeptSeries[];
  readonly sum: KeptSeries;
  readonly count: KeptSeries;
}

/** A duration histogram with cumulative buckets, in seconds. */
export class HistogramFamily extends Family<HistogramSeries> {
  readonly #book: SeriesBook;
  readonly #metric: StandardMetric;

  constructor(book: SeriesBook, metric: StandardMetric) {
    super(metric);
    this.#book = book;
    this.#metric = metric;
  }

  observe(seconds: number, ...labelValues: readonly string[]): void {
    const { buckets, sum, count } = this.at(...labelValues);
    buckets.forEach((bucket, place) => {
      const bound = DURATION_BUCKETS_SECONDS[place] ?? Number.POSITIVE_INFINITY;
      if (seconds <= bound) this.#book.put(bucket, bucket.value + 1);
    });
    this.#book.put(sum, sum.value + seconds);
    this.#book.put(count, count.value + 1);
  }

  protected open(labels: Labels): HistogramSeries {
    const opened = (suffix: string, more: Labels = {}): KeptSeries => {
      const series = this.#book.open(`${this.#metric}${suffix}`, { ...labels, ...more });
      this.#book.put(series, 0);
      return series;
    };
    return {
      buckets: [...DURATION_BUCKETS_SECONDS.map(String), '+Inf'].map((le) => opened('_bucket', { le })),
      sum: opened('_sum'),
      count: opened('_count'),
    };
  }

  protected close({ buckets, sum, count }: HistogramSeries): void {
    for (const series of [...buckets, sum, count]) this.#book.remove(series);
  }
}

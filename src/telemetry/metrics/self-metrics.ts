import type { Labels } from '../labels/label-set.ts';

/** A number that only grows. */
export interface Counter {
  add(amount: number, labels?: Labels): void;
}

/** How often a measured value was at most how much. */
export interface Histogram {
  observe(value: number): void;
}

export type GaugePoint = Pick<CollectedPoint, 'labels' | 'value'>;

export interface CollectedPoint {
  /** What follows the metric's name in the name of this series: only those of a histogram have something. */
  readonly suffix: '' | '_bucket' | '_sum' | '_count';
  readonly labels: Labels;
  readonly value: number;
}

export interface CollectedMetric {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly points: readonly CollectedPoint[];
}

interface CounterPoints {
  readonly help: string;
  readonly points: Map<string, { readonly labels: Labels; value: number }>;
}

/** Omoi's own metrics, `omoi_*`. What is dropped, refused or delayed anywhere is counted here. */
export class SelfMetrics {
  readonly #counters = new Map<string, CounterPoints>();
  readonly #gauges = new Map<string, { readonly help: string; readonly read: () => number }>();
  readonly #families = new Map<
    string,
    { readonly help: string; readonly read: () => readonly GaugePoint[] }
  >();
  readonly #histograms = new Map<string, { readonly help: string; readonly counts: BucketCounts }>();

  /** The counter of that name; the same one for the same name. Names end in `_total`. */
  counter(name: string, help: string): Counter {
    let counter = this.#counters.get(name);
    if (!counter) {
      counter = { help, points: new Map() };
      this.#counters.set(name, counter);
    }
    const { points } = counter;
    return {
      add(amount, labels = {}) {
        const key = Object.values(labels).join('\xFF');
        const point = points.get(key);
        if (point) point.value += amount;
        else points.set(key, { labels, value: amount });
      },
    };
  }

  /** A gauge that is read when somebody looks. */
  gauge(name: string, help: string, read: () => number): void {
    this.#gauges.set(name, { help, read });
  }

  /** A gauge with a series for each of the points that are there when somebody looks. */
  gaugeFamily(name: string, help: string, read: () => readonly GaugePoint[]): void {
    this.#families.set(name, { help, read });
  }

  /**
   * The classic histogram of that name; the same one for the same name. Names end in the unit.
   * @param bounds the buckets' upper bounds, ascending, each inclusive; one without bound is added
   */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    let histogram = this.#histograms.get(name);
    if (!histogram) {
      histogram = { help, counts: new BucketCounts(bounds) };
      this.#histograms.set(name, histogram);
    }
    return histogram.counts;
  }

  collect(): readonly CollectedMetric[] {
    const counters = [...this.#counters].map(([name, { help, points }]): CollectedMetric => ({
      name,
      type: 'counter',
      help,
      points:
        points.size > 0
          ? Array.from(points.values(), (point) => ({ suffix: '', ...point }))
          : [{ suffix: '', labels: {}, value: 0 }],
    }));
    const gauges = [...this.#gauges].map(([name, { help, read }]): CollectedMetric => ({
      name,
      type: 'gauge',
      help,
      points: [{ suffix: '', labels: {}, value: read() }],
    }));
    const histograms = [...this.#histograms].map(([name, { help, counts }]): CollectedMetric => ({
      name,
      type: 'histogram',
      help,
      points: counts.collect(),
    }));
    const families = [...this.#families].map(([name, { help, read }]): CollectedMetric => ({
      name,
      type: 'gauge',
      help,
      points: read().map((point) => ({ suffix: '', ...point })),
    }));
    return [...counters, ...gauges, ...families, ...histograms].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

class BucketCounts implements Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] ?? 0)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += value;
  }

  collect(): readonly CollectedPoint[] {
    let count = 0;
    const buckets = Array.from(this.#counts, (inBucket, at): CollectedPoint => {
      count += inBucket;
      return { suffix: '_bucket', labels: { le: String(this.#bounds[at] ?? '+Inf') }, value: count };
    });
    return [
      ...buckets,
      { suffix: '_sum', labels: {}, value: this.#sum },
      { suffix: '_count', labels: {}, value: count },
    ];
  }
}

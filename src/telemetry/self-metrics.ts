import type { Labels } from './labels.ts';

/** A number that only grows. */
export interface Counter {
  add(amount: number, labels?: Labels): void;
}

export interface CollectedMetric {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly points: readonly { readonly labels: Labels; readonly value: number }[];
}

/** Omoi's own metrics, `omoi_*`. What is dropped, refused or delayed anywhere is counted here. */
export class SelfMetrics {
  readonly #counters = new Map<
    string,
    { help: string; points: Map<string, { labels: Labels; value: number }> }
  >();
  readonly #gauges = new Map<string, { help: string; read: () => number }>();

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

  collect(): readonly CollectedMetric[] {
    const counters = [...this.#counters].map(([name, { help, points }]) => ({
      name,
      type: 'counter' as const,
      help,
      points: points.size > 0 ? [...points.values()] : [{ labels: {}, value: 0 }],
    }));
    const gauges = [...this.#gauges].map(([name, { help, read }]) => ({
      name,
      type: 'gauge' as const,
      help,
      points: [{ labels: {}, value: read() }],
    }));
    return [...counters, ...gauges].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

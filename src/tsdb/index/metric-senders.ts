import type { SeriesRow } from './series-rows.ts';

/** Metrics whose senders are counted at a time; those asked for longest ago go. */
const MAX_COUNTED_METRICS = 1000;

/**
 * How many series of a metric are from each sender, by the senders' numbers (0: nobody yet). A metric is counted when it is
 * asked for, and kept from then on: of most nobody ever asks.
 */
export class MetricSenders {
  readonly #counted = new Map<string, Map<number, number>>();

  /** The different ones that a metric has. @param rows its series */
  of(
    metricName: string,
    rows: Uint32Array,
    senderOf: (row: SeriesRow) => number,
  ): Pick<ReadonlyMap<number, number>, 'keys' | 'size'> {
    let counts = this.#counted.get(metricName);
    if (!counts) {
      counts = new Map();
      for (const row of rows) {
        const sender = senderOf(row);
        counts.set(sender, (counts.get(sender) ?? 0) + 1);
      }
    }
    // Asked for last: it stays longest.
    this.#counted.delete(metricName);
    this.#counted.set(metricName, counts);
    const [oldest] = this.#counted.keys();
    if (this.#counted.size > MAX_COUNTED_METRICS && oldest !== undefined) this.#counted.delete(oldest);
    return counts;
  }

  /** A series is from another sender than before; null: it is new, or it is gone. */
  moved(metricName: string | undefined, from: number | null, to: number | null): void {
    const counts = metricName === undefined ? undefined : this.#counted.get(metricName);
    if (!counts) return;
    if (from !== null) {
      const left = (counts.get(from) ?? 0) - 1;
      if (left > 0) counts.set(from, left);
      else counts.delete(from);
    }
    if (to !== null) counts.set(to, (counts.get(to) ?? 0) + 1);
    else if (counts.size === 0) this.#counted.delete(metricName ?? '');
  }
}

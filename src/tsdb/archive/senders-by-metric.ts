import type { Sender } from '#telemetry';

const NOBODY: ReadonlySet<Sender> = new Set();

/** Who series are from, by the name of their metric. */
export class SendersByMetric {
  readonly #byMetric = new Map<string, Set<Sender>>();
  #size = 0;

  /** Of all metrics together. */
  get size(): number {
    return this.#size;
  }

  get metricNames(): Iterable<string> {
    return this.#byMetric.keys();
  }

  of(metricName: string): ReadonlySet<Sender> {
    return this.#byMetric.get(metricName) ?? NOBODY;
  }

  add(metricName: string, sender: Sender): void {
    let senders = this.#byMetric.get(metricName);
    if (!senders) this.#byMetric.set(metricName, (senders = new Set()));
    if (senders.has(sender)) return;
    senders.add(sender);
    this.#size++;
  }
}

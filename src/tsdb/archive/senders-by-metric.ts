import { DETECTOR_SENDER, RULE_SENDER, type Sender } from '#telemetry';

/** What they have sent says by the metric's name who they are: what is recorded, judged, or of nobody known. */
const DIFFER_BY_METRIC: ReadonlySet<Sender> = new Set([RULE_SENDER, DETECTOR_SENDER, '']);

/** Who series are from, by the name of their metric. */
export class SendersByMetric {
  readonly #byMetric = new Map<string, Set<Sender>>();
  /** A metric of each sender: most are asked of only for who they are. */
  readonly #metricOf = new Map<Sender, string>();
  /** Of those who differ by metric each. */
  readonly #derived: (readonly [Sender, string])[] = [];
  #size = 0;

  /** Of all metrics together. */
  get size(): number {
    return this.#size;
  }

  /**
   * Who has sent a metric, with its name. Of any metric (null) each sender comes once, with one of its metrics; those that
   * differ by metric with each.
   */
  *of(metricName: string | null): Generator<readonly [Sender, string]> {
    if (metricName === null) {
      yield* this.#metricOf;
      yield* this.#derived;
    } else for (const sender of this.#byMetric.get(metricName) ?? []) yield [sender, metricName];
  }

  add(metricName: string, sender: Sender): void {
    let senders = this.#byMetric.get(metricName);
    if (!senders) this.#byMetric.set(metricName, (senders = new Set()));
    if (senders.has(sender)) return;
    senders.add(sender);
    this.#size++;
    if (DIFFER_BY_METRIC.has(sender)) this.#derived.push([sender, metricName]);
    else this.#metricOf.set(sender, metricName);
  }
}

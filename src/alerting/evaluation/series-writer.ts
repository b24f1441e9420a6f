import {
  labelsKey,
  messageOf,
  SampleBatch,
  type AppendOrigin,
  type Counter,
  type Labels,
  type SampleSink,
  type SeriesRef,
} from '#telemetry';

/** One sample of what a rule puts out. */
export interface OutputSample {
  readonly labels: Labels;
  readonly value: number;
}

/** Where outputs go. */
export interface RuleOutlet {
  readonly sink: SampleSink;
  /** Counts the samples that were not taken. */
  readonly refused: Counter;
}

interface WrittenSeries {
  readonly ref: SeriesRef;
  value: number;
}

/**
 * Writes what one rule puts out: what has changed at once, all of it when asked to, and a staleness marker where
 * an output is no more.
 */
export class SeriesWriter {
  readonly #outlet: RuleOutlet;
  readonly #written = new Map<string, WrittenSeries>();
  readonly #batch = new SampleBatch(16);

  constructor(outlet: RuleOutlet) {
    this.#outlet = outlet;
  }

  /**
   * @param repeat whether unchanged values are written too, so that look-back windows don't lose them
   * @returns why the first series was refused; null where none was
   */
  write(
    outputs: readonly OutputSample[],
    at: { readonly timeMs: number; readonly origin: AppendOrigin; readonly repeat: boolean },
  ): string | null {
    const present = new Set<string>();
    let reason: string | null = null;
    for (const { labels, value } of outputs) {
      const key = labelsKey(labels);
      present.add(key);
      const known = this.#written.get(key);
      if (known) {
        if (at.repeat || !Object.is(known.value, value)) this.#batch.add(known.ref, at.timeMs, value);
        known.value = value;
        continue;
      }
      try {
        const ref = this.#outlet.sink.series(labels);
        this.#written.set(key, { ref, value });
        this.#batch.add(ref, at.timeMs, value);
      } catch (thrown) {
        this.#outlet.refused.add(1);
        reason ??= messageOf(thrown);
      }
    }
    for (const [key, { ref }] of this.#written) {
      if (present.has(key)) continue;
      this.#written.delete(key);
      this.#batch.addStale(ref, at.timeMs);
    }
    this.#commit(at.origin);
    return reason;
  }

  #commit(origin: AppendOrigin): void {
    if (this.#batch.length === 0) return;
    const result = this.#outlet.sink.commit(this.#batch, origin);
    this.#batch.clear();
    const refused = Object.values(result.refused).reduce((sum, count) => sum + count, 0);
    if (refused > 0) this.#outlet.refused.add(refused);
    // A reference may have gone with its series: the next write asks for it again.
    if (result.refused.unknown_series > 0) this.#written.clear();
    // What was accepted survives a crash by the store's own means; nobody waits for a derived sample.
    result.durable().catch(() => undefined);
  }
}

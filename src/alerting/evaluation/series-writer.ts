import {
  labelsKey,
  messageOf,
  SampleBatch,
  type AppendOrigin,
  type Labels,
  type SampleSink,
  type SeriesRef,
} from '#telemetry';

/** One sample of what a rule puts out. */
export interface OutputSample {
  readonly labels: Labels;
  readonly value: number;
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
  readonly #sink: SampleSink;
  readonly #written = new Map<string, WrittenSeries>();
  readonly #batch = new SampleBatch(16);

  constructor(sink: SampleSink) {
    this.#sink = sink;
  }

  /**
   * @param repeat whether unchanged values are written too, so that look-back windows don't lose them
   * @returns how many samples were refused, and why the first series was, should one be
   */
  write(
    outputs: readonly OutputSample[],
    at: { readonly timeMs: number; readonly origin: AppendOrigin; readonly repeat: boolean },
  ): { readonly refused: number; readonly reason: string | null } {
    const present = new Set<string>();
    let reason: string | null = null;
    let refused = 0;
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
        const ref = this.#sink.series(labels);
        this.#written.set(key, { ref, value });
        this.#batch.add(ref, at.timeMs, value);
      } catch (thrown) {
        refused++;
        reason ??= messageOf(thrown);
      }
    }
    for (const [key, { ref }] of this.#written) {
      if (present.has(key)) continue;
      this.#written.delete(key);
      this.#batch.addStale(ref, at.timeMs);
    }
    return { refused: refused + this.#commit(at.origin), reason };
  }

  #commit(origin: AppendOrigin): number {
    if (this.#batch.length === 0) return 0;
    const result = this.#sink.commit(this.#batch, origin);
    this.#batch.clear();
    const refused = Object.values(result.refused).reduce((sum, count) => sum + count, 0);
    // A reference may have gone with its series: the next write asks for it again.
    if (result.refused.unknown_series > 0) this.#written.clear();
    // What was accepted survives a crash by the store's own means; nobody waits for a derived sample.
    result.durable().catch(() => undefined);
    return refused;
  }
}

import {
  labelsKey,
  messageOf,
  SampleBatch,
  type AppendOrigin,
  type HistogramValue,
  type Labels,
  type SeriesRef,
} from '#telemetry';
import { commitOutputs, releaseSeries, type RuleOutlet } from './rule-outlet.ts';
import type { SlicedWork } from './sliced-work.ts';

/** One sample of what a recording rule puts out. */
export interface OutputSample {
  readonly labels: Labels;
  readonly value: number | HistogramValue;
}

interface WrittenSeries {
  readonly ref: SeriesRef;
  value: number | HistogramValue;
}

/**
 * Writes what one recording rule puts out, as one unit: what has changed at once, all of it when asked to, and a
 * staleness marker where an output is no more. A series that the store forgot between two writes, as it does with a
 * group whose interval is longer than the head reaches, is made again.
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
  *write(
    outputs: readonly OutputSample[],
    at: { readonly timeMs: number; readonly origin: AppendOrigin; readonly repeat: boolean },
  ): SlicedWork<string | null> {
    const present = new Set<string>();
    let reason: string | null = null;
    for (const { labels, value } of outputs) {
      const key = labelsKey(labels);
      present.add(key);
      yield;
      const known = this.#written.get(key);
      if (known && this.#outlet.sink.holds(known.ref)) {
        if (at.repeat || !Object.is(known.value, value)) this.#add(known.ref, at.timeMs, value);
        known.value = value;
        continue;
      }
      try {
        const ref = this.#outlet.sink.series(labels);
        this.#outlet.holders.hold(ref);
        if (known) releaseSeries(this.#outlet, this.#batch, { ref: known.ref, timeMs: at.timeMs });
        this.#written.set(key, { ref, value });
        this.#add(ref, at.timeMs, value);
      } catch (thrown) {
        this.#outlet.refused.add(1);
        reason ??= messageOf(thrown);
      }
    }
    for (const [key, { ref }] of this.#written) {
      if (present.has(key)) continue;
      this.#written.delete(key);
      releaseSeries(this.#outlet, this.#batch, { ref, timeMs: at.timeMs });
    }
    if (!commitOutputs(this.#outlet, this.#batch, at.origin)) this.#forget(at.timeMs);
    return reason;
  }

  #add(ref: SeriesRef, timeMs: number, value: number | HistogramValue): void {
    const dateMs = this.#outlet.holders.date(ref, timeMs);
    if (typeof value === 'number') this.#batch.add(ref, dateMs, value);
    else this.#batch.addHistogram(ref, dateMs, value);
  }

  #forget(timeMs: number): void {
    for (const { ref } of this.#written.values()) this.#outlet.holders.release(ref, timeMs);
    this.#written.clear();
  }
}

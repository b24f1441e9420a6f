import { MetricsDecoder } from '../../src/ingest/otlp/metrics/decoder.ts';
import { KnownWriters } from '../../src/ingest/otlp/metrics/known-writers.ts';
import { PointRows } from '../../src/ingest/otlp/metrics/point-rows.ts';
import { labelsOfUnknown, resolveWriter } from '../../src/ingest/otlp/metrics/writers.ts';
import { Refusals } from '../../src/ingest/otlp/refusals.ts';
import type { SampleSink } from '#telemetry';

/** The first half of the way of metrics: from bytes to columns, of writers that are known. */
export class MetricsDecoding {
  readonly #known = new KnownWriters({ seed: 1, maxBytes: 128 * 1024 * 1024, isHeld: (ref) => ref > 0 });
  readonly #refusals = new Refusals();
  readonly #rows = new PointRows();

  /** @param body whose writers will be known */
  constructor(body: Uint8Array, sink: SampleSink) {
    this.decode(body);
    for (const writer of this.#rows.unknown) {
      const { labels, problem } = labelsOfUnknown(writer);
      if (labels === null) throw new Error(problem);
      resolveWriter(writer, labels, { sink, known: this.#known });
    }
  }

  decode(body: Uint8Array): void {
    this.#rows.clear();
    const parts = { known: this.#known, rows: this.#rows, refusals: this.#refusals, receivedAtMs: 0 };
    for (const _ of new MetricsDecoder(parts).decode(body));
    if (!this.#refusals.isEmpty) throw new Error(this.#refusals.partialSuccess.message);
  }
}

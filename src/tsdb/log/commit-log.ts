import type { HistogramValue, Labels, MetricMetadata } from '#telemetry';
import { HistogramSeries } from '../head/histogram-series.ts';
import type { SeriesNumber } from '../index/series-rows.ts';
import { ByteWriter } from './byte-writer.ts';
import { exemplarsPayload, type LoggedExemplar } from './exemplar-json.ts';
import type { LogWriter } from './log-writer.ts';
import { writeHistogramChunk } from './histogram-bytes.ts';
import { RECORD, writeRecord } from './record.ts';

export type LoggedMetadata = readonly [metricName: string, metadata: MetricMetadata];

/**
 * Turns commits into records:
 *
 *   series       repeated: varint number of the series, labels (varint count, then name and value as texts)
 *   senders      repeated: varint number of the series, its senders (text, as in sender-table.ts)
 *   samples      float sequence of the commit, float first time, then for each sample: zigzag number of the series − the one before
 *                (0 at first), zigzag time − the one before (the first time at first), 8 bytes value
 *   histograms   float sequence of the commit, then repeated: varint number of the series, a chunk of one (histogram-bytes.ts)
 *   exemplars    as in exemplar-json.ts
 *   metadata     JSON: a list of [metric name, metadata]
 *
 * Numbers of series are those of the run that the segment's first record names. A commit has several records of samples and
 * histograms where a series has both. Its records have one sequence number, which grows by one a commit, so that a
 * snapshot can say how far it goes.
 */
export class CommitLog {
  readonly #writer: LogWriter;
  readonly #series = new ByteWriter();
  readonly #senders = new ByteWriter();
  readonly #samples = new ByteWriter(16 * 1024);
  readonly #histograms = new ByteWriter();
  #exemplars: Uint8Array | null = null;
  #sequence = 0;
  #sampleCount = 0;
  #previousSeries = 0;
  #previousMs = 0;

  constructor(writer: LogWriter) {
    this.#writer = writer;
  }

  /** The sequence number of the newest commit. */
  get sequence(): number {
    return this.#sequence;
  }

  addSeries(series: SeriesNumber, labels: Labels): void {
    this.#series.varint(series);
    writeLabels(this.#series, labels);
  }

  addSender(series: SeriesNumber, senders: string): void {
    this.#senders.varint(series);
    this.#senders.text(senders);
  }

  addSample(series: SeriesNumber, timestampMs: number, high: number, low: number): void {
    const samples = this.#samples;
    if (this.#sampleCount++ === 0) {
      samples.float(this.#sequence + 1);
      samples.float(timestampMs);
      this.#previousMs = timestampMs;
      this.#previousSeries = 0;
    }
    samples.zigzag(series - this.#previousSeries);
    samples.zigzag(timestampMs - this.#previousMs);
    samples.floatBits(high, low);
    this.#previousSeries = series;
    this.#previousMs = timestampMs;
  }

  addHistogram(series: SeriesNumber, timestampMs: number, histogram: HistogramValue): void {
    if (this.#histograms.length === 0) this.#histograms.float(this.#sequence + 1);
    const one = new HistogramSeries();
    one.append(timestampMs, histogram);
    const [chunk] = one.chunks;
    if (!chunk) return;
    this.#histograms.varint(series);
    writeHistogramChunk(this.#histograms, chunk);
  }

  addExemplars(exemplars: readonly LoggedExemplar[]): void {
    this.#exemplars = exemplarsPayload(exemplars);
  }

  addMetadata(metricName: string, metadata: MetricMetadata): void {
    this.#frame(
      RECORD.metadata,
      Buffer.from(JSON.stringify([[metricName, metadata] satisfies LoggedMetadata])),
    );
  }

  /**
   * What was added to this commit is replayed before what follows. Elsewhere the samples of a commit are replayed
   * before its histograms, which would be too late for a series that has both.
   */
  keepOrder(): void {
    if (this.#sampleCount > 0 || this.#histograms.length > 0) this.#frameSamples();
  }

  /** Hands the records of one commit to the writer. */
  end(): void {
    this.#frameSamples();
    if (this.#exemplars !== null) this.#frame(RECORD.exemplars, this.#exemplars);
    this.#exemplars = null;
    this.#sequence++;
  }

  #frameSamples(): void {
    if (this.#series.length > 0) {
      this.#frame(RECORD.series, this.#series.view());
      this.#series.clear();
    }
    if (this.#senders.length > 0) {
      this.#frame(RECORD.senders, this.#senders.view());
      this.#senders.clear();
    }
    if (this.#sampleCount > 0) this.#frame(RECORD.samples, this.#samples.view());
    if (this.#histograms.length > 0) this.#frame(RECORD.histograms, this.#histograms.view());
    this.#samples.clear();
    this.#histograms.clear();
    this.#sampleCount = 0;
  }

  #frame(type: number, payload: Uint8Array): void {
    const { pending } = this.#writer;
    const before = pending.length;
    writeRecord(pending, type, payload);
    this.#writer.appended(pending.length - before);
  }
}

/** Varint count, then name and value of each label as texts. */
export function writeLabels(into: ByteWriter, labels: Labels): void {
  const names = Object.keys(labels);
  into.varint(names.length);
  for (const name of names) {
    into.text(name);
    into.text(labels[name] ?? '');
  }
}

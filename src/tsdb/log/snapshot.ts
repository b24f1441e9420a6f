import type { MetricMetadata } from '#telemetry';
import { SampleColumns } from '../chunk/sample-columns.ts';
import { MAX_SEALED_SAMPLES } from '../chunk/sealed-chunk.ts';
import type { ExemplarRing } from '../exemplar-ring.ts';
import type { Head } from '../head/head.ts';
import { HistogramSeries } from '../head/histogram-series.ts';
import { NEWEST_IS_HISTOGRAM } from '../head/series-states.ts';
import type { SeriesIndex } from '../index/series-index.ts';
import type { SeriesNumber, SeriesRow } from '../index/series-rows.ts';
import { ROW_MASK } from '../rows/row-allocator.ts';
import { DamagedBytes, type ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { writeLabels } from './commit-log.ts';
import { exemplarsPayload, type LoggedExemplar } from './exemplar-json.ts';
import { readHistogramChunk, writeHistogramChunk } from './histogram-bytes.ts';
import type { LogStorage } from './log-storage.ts';
import { FORMAT_VERSION } from './log-writer.ts';
import { RECORD, writeRecord } from './record.ts';

/*
 * A snapshot holds everything in memory, so that the log before it is not needed. It is written while samples
 * come in: series in blocks, each with the sequence number of the newest commit it contains. On replay a commit
 * is applied only to the series whose block does not contain it.
 *
 *   header    words: version, run, first segment that is needed with it
 *   series    float sequence, then repeated:
 *               varint number of the series, labels, float newest time, 8 bytes newest value, byte: newest is a histogram
 *               open chunk: varint count; where that is not 0: float first time, varint length in bits, zigzag
 *                 last distance, varint window, bytes
 *               sealed chunks: varint number; each: float first time, zigzag last − first time, varint count,
 *                 varint length, bytes
 *               late samples: varint number; each: float time, 8 bytes value
 *               histogram chunks: varint number; each as in histogram-bytes.ts
 *   senders, exemplars, metadata   as in commit-log.ts, in several records
 *   end       float number of series
 */
const BLOCK_SERIES = 500;
const BLOCK_BYTES = 256 * 1024;
const RECORD_ENTRIES = 500;
const SNAPSHOT_NAME = /^(\d{8})\.snapshot$/;

export function snapshotName(firstSegment: number): string {
  return `${String(firstSegment).padStart(8, '0')}.snapshot`;
}

/** The first segment that is needed with a snapshot, from its name; null for other files. */
export function snapshotNumber(name: string): number | null {
  const match = SNAPSHOT_NAME.exec(name);
  return match ? Number(match[1]) : null;
}

export interface SnapshotSource {
  readonly index: SeriesIndex;
  readonly head: Head;
  readonly exemplars: ExemplarRing;
  readonly metadata: ReadonlyMap<string, MetricMetadata>;
  readonly run: number;
  /** The sequence number of the newest commit, at the time of asking. */
  sequence(): number;
}

/**
 * Writes a snapshot beside its final name, then gives it that name. Commits may go on meanwhile.
 * @returns its size in bytes
 */
export async function writeSnapshot(
  storage: LogStorage,
  firstSegment: number,
  source: SnapshotSource,
): Promise<number> {
  const partial = `${snapshotName(firstSegment)}.partial`;
  const file = await storage.create(partial);
  let offset = 0;
  const block = new ByteWriter(BLOCK_BYTES * 2);
  const framed = new ByteWriter(BLOCK_BYTES * 2);
  const put = async (type: number, payload: Uint8Array): Promise<void> => {
    framed.clear();
    writeRecord(framed, type, payload);
    await file.write(framed.view(), offset);
    offset += framed.length;
  };
  try {
    block.word(FORMAT_VERSION);
    block.word(source.run);
    block.word(firstSegment);
    await put(RECORD.snapshotHeader, block.view());
    const rows = source.index.select([]).slice();
    for (let at = 0; at < rows.length;) {
      block.clear();
      block.float(source.sequence());
      const end = Math.min(rows.length, at + BLOCK_SERIES);
      while (at < end && block.length < BLOCK_BYTES) writeSeries(block, source, rows[at++] ?? 0);
      await put(RECORD.snapshotSeries, block.view());
    }
    for (let at = 0; at < rows.length; at += BLOCK_SERIES) {
      block.clear();
      for (const row of rows.subarray(at, at + BLOCK_SERIES)) writeSender(block, source, row);
      if (block.length > 0) await put(RECORD.senders, block.view());
    }
    for (const part of partsOf(exemplarsOf(source))) await put(RECORD.exemplars, exemplarsPayload(part));
    for (const part of partsOf(source.metadata)) {
      await put(RECORD.metadata, Buffer.from(JSON.stringify(part)));
    }
    block.clear();
    block.float(rows.length);
    await put(RECORD.snapshotEnd, block.view());
    await file.sync();
  } catch (error) {
    await file.close();
    await storage.remove(partial).catch(() => undefined);
    throw error;
  }
  await file.close();
  await storage.rename(partial, snapshotName(firstSegment));
  return offset;
}

function writeSender(into: ByteWriter, { index }: SnapshotSource, row: SeriesRow): void {
  const senders = index.senders.textOf(row);
  if (senders === null) return;
  into.varint(index.numberOf(row));
  into.text(senders);
}

/** The exemplars of the series that are there. */
function* exemplarsOf({ index, exemplars }: SnapshotSource): Generator<LoggedExemplar, void, void> {
  for (const { ref, exemplar } of exemplars.entries()) {
    const row = index.rowOf(ref);
    if (row !== 0) yield { series: index.numberOf(row), exemplar };
  }
}

/** Entries of a record each, few enough to be written at a stretch. */
function* partsOf<Entry>(entries: Iterable<Entry>): Generator<readonly Entry[], void, void> {
  const all = [...entries];
  for (let at = 0; at < all.length; at += RECORD_ENTRIES) yield all.slice(at, at + RECORD_ENTRIES);
}

const late = new SampleColumns();

function writeSeries(into: ByteWriter, source: SnapshotSource, row: SeriesRow): void {
  const { index, head } = source;
  const { states, sealed } = head;
  const labels = index.labelsOf(row);
  if (!labels) return;
  const page = states.pageOf(row);
  const at = row & ROW_MASK;
  into.varint(index.numberOf(row));
  writeLabels(into, labels);
  into.float(page.newestMs[at] ?? 0);
  into.floatBits(page.newestWords[2 * at + 1] ?? 0, page.newestWords[2 * at] ?? 0);
  into.byte(states.hasFlag(row, NEWEST_IS_HISTOGRAM) ? 1 : 0);
  const count = page.counts[at] ?? 0;
  into.varint(count);
  if (count > 0) {
    into.float(page.firstMs[at] ?? 0);
    into.varint(page.bitLengths[at] ?? 0);
    into.zigzag(page.distancesMs[at] ?? 0);
    into.varint(page.windows[at] ?? 0);
    into.copy(head.openBytes(row));
  }
  const ids: number[] = [];
  for (let id = page.firstChunks[at] ?? 0; id !== 0; id = sealed.table.next(id)) ids.push(id);
  into.varint(ids.length);
  for (const id of ids) {
    const chunk = sealed.table.pageOf(id);
    const place = id & ROW_MASK;
    const minMs = chunk.minMs[place] ?? 0;
    into.float(minMs);
    into.zigzag((chunk.maxMs[place] ?? 0) - minMs);
    into.varint(chunk.counts[place] ?? 0);
    const bytes = head.sealed.bytesOf(id);
    into.varint(bytes.length);
    into.copy(bytes);
  }
  late.length = 0;
  head.readLate(row, late);
  into.varint(late.length);
  for (let n = 0; n < late.length; n++) {
    into.float(late.timestampsMs[n] ?? 0);
    into.floatBits(late.words[2 * n + 1] ?? 0, late.words[2 * n] ?? 0);
  }
  const histograms = head.histogramsOf(row)?.chunks ?? [];
  into.varint(histograms.length);
  for (const chunk of histograms) writeHistogramChunk(into, chunk);
}

/**
 * Restores one series; `rowOf` makes it from its labels.
 * @throws DamagedBytes
 */
export function readSeries(
  reader: ByteReader,
  head: Head,
  rowOf: (number: SeriesNumber, reader: ByteReader) => SeriesRow,
): SeriesRow {
  const row = rowOf(reader.varint(), reader);
  const newestMs = reader.float();
  const low = reader.word();
  const high = reader.word();
  const newestIsHistogram = reader.byte() === 1;
  readOpen(reader, head, row);
  for (let left = reader.varint(); left > 0; left--) {
    const minMs = reader.float();
    const maxMs = minMs + reader.zigzag();
    const count = reader.varint();
    const bytes = reader.take(reader.varint());
    if (count > MAX_SEALED_SAMPLES) throw new DamagedBytes('A chunk claims too many samples.');
    head.sealed.add(row, { bytes, count, minMs, maxMs });
  }
  const lateSamples = reader.varint();
  for (let left = lateSamples; left > 0; left--) {
    const timestampMs = reader.float();
    const lateLow = reader.word();
    head.restoreLate(row, timestampMs, reader.word(), lateLow);
  }
  const histogramChunks = reader.varint();
  if (histogramChunks > 0) {
    const series = new HistogramSeries();
    for (let left = histogramChunks; left > 0; left--) series.restore(readHistogramChunk(reader));
    head.restoreHistograms(row, series);
  }
  head.restoreNewest(row, { timestampMs: newestMs, high, low, isHistogram: newestIsHistogram });
  return row;
}

function readOpen(reader: ByteReader, head: Head, row: SeriesRow): void {
  const count = reader.varint();
  if (count === 0) return;
  const firstMs = reader.float();
  const bitLength = reader.varint();
  const distanceMs = reader.zigzag();
  const window = reader.varint();
  const bytes = reader.take((bitLength + 7) >>> 3);
  head.restoreOpen(row, { bytes, bitLength, count, firstMs, distanceMs, window });
}

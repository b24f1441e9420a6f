import type { MetricMetadata, SeriesRef } from '#telemetry';
import { SampleColumns } from '../chunk/sample-columns.ts';
import { MAX_SEALED_SAMPLES } from '../chunk/sealed-chunk.ts';
import type { ExemplarRing } from '../exemplar-ring.ts';
import type { Head } from '../head/head.ts';
import { HistogramSeries } from '../head/histogram-series.ts';
import { NEWEST_IS_HISTOGRAM } from '../head/series-states.ts';
import type { SeriesIndex } from '../index/series-index.ts';
import { DamagedBytes, type ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { writeLabels } from './commit-log.ts';
import { exemplarsPayload } from './exemplar-json.ts';
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
 *               varint reference, labels, float newest time, 8 bytes newest value, byte: newest is a histogram
 *               open chunk: varint count; where that is not 0: float first time, varint length in bits, zigzag
 *                 last distance, varint window, bytes
 *               sealed chunks: varint number; each: float first time, zigzag last − first time, varint count,
 *                 varint length, bytes
 *               late samples: varint number; each: float time, 8 bytes value
 *               histogram chunks: varint number; each as in histogram-bytes.ts
 *   exemplars, metadata   as in commit-log.ts, in several records
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
    const refs = source.index.select([]).slice();
    for (let at = 0; at < refs.length;) {
      block.clear();
      block.float(source.sequence());
      const end = Math.min(refs.length, at + BLOCK_SERIES);
      while (at < end && block.length < BLOCK_BYTES) writeSeries(block, source, refs[at++] ?? 0);
      await put(RECORD.snapshotSeries, block.view());
    }
    for (const part of partsOf(source.exemplars.entries()))
      await put(RECORD.exemplars, exemplarsPayload(part));
    for (const part of partsOf(source.metadata)) {
      await put(RECORD.metadata, Buffer.from(JSON.stringify(part)));
    }
    block.clear();
    block.float(refs.length);
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

/** Entries of a record each, few enough to be written at a stretch. */
function* partsOf<Entry>(entries: Iterable<Entry>): Generator<readonly Entry[], void, void> {
  const all = [...entries];
  for (let at = 0; at < all.length; at += RECORD_ENTRIES) yield all.slice(at, at + RECORD_ENTRIES);
}

const late = new SampleColumns();

function writeSeries(into: ByteWriter, source: SnapshotSource, ref: SeriesRef): void {
  const { index, head } = source;
  const { states, chunks } = head;
  const labels = index.labelsOf(ref);
  if (!labels) return;
  into.varint(ref);
  writeLabels(into, labels);
  into.float(states.newestMs[ref] ?? 0);
  into.floatBits(states.newestWords[2 * ref + 1] ?? 0, states.newestWords[2 * ref] ?? 0);
  into.byte(states.hasFlag(ref, NEWEST_IS_HISTOGRAM) ? 1 : 0);
  const count = states.counts[ref] ?? 0;
  into.varint(count);
  if (count > 0) {
    into.float(states.firstMs[ref] ?? 0);
    into.varint(states.bitLengths[ref] ?? 0);
    into.zigzag(states.distancesMs[ref] ?? 0);
    into.varint(states.windows[ref] ?? 0);
    into.copy(head.openBytes(ref));
  }
  const ids: number[] = [];
  for (let id = states.firstChunks[ref] ?? 0; id !== 0; id = chunks.next[id] ?? 0) ids.push(id);
  into.varint(ids.length);
  for (const id of ids) {
    const minMs = chunks.minMs[id] ?? 0;
    into.float(minMs);
    into.zigzag((chunks.maxMs[id] ?? 0) - minMs);
    into.varint(chunks.counts[id] ?? 0);
    const bytes = head.chunkBytes(id);
    into.varint(bytes.length);
    into.copy(bytes);
  }
  late.length = 0;
  head.readLate(ref, late);
  into.varint(late.length);
  for (let at = 0; at < late.length; at++) {
    into.float(late.timestampsMs[at] ?? 0);
    into.floatBits(late.words[2 * at + 1] ?? 0, late.words[2 * at] ?? 0);
  }
  const histograms = head.histogramsOf(ref)?.chunks ?? [];
  into.varint(histograms.length);
  for (const chunk of histograms) writeHistogramChunk(into, chunk);
}

/**
 * Restores one series; `refOf` makes it from its labels.
 * @throws DamagedBytes
 */
export function readSeries(
  reader: ByteReader,
  head: Head,
  refOf: (loggedRef: SeriesRef, reader: ByteReader) => SeriesRef,
): SeriesRef {
  const ref = refOf(reader.varint(), reader);
  const newestMs = reader.float();
  const low = reader.word();
  const high = reader.word();
  const newestIsHistogram = reader.byte() === 1;
  readOpen(reader, head, ref);
  for (let left = reader.varint(); left > 0; left--) {
    const minMs = reader.float();
    const maxMs = minMs + reader.zigzag();
    const count = reader.varint();
    const bytes = reader.take(reader.varint());
    if (count > MAX_SEALED_SAMPLES) throw new DamagedBytes('A chunk claims too many samples.');
    head.addSealedBytes(ref, { bytes, count, minMs, maxMs });
  }
  const lateSamples = reader.varint();
  for (let left = lateSamples; left > 0; left--) {
    const timestampMs = reader.float();
    const lateLow = reader.word();
    head.restoreLate(ref, timestampMs, reader.word(), lateLow);
  }
  const histogramChunks = reader.varint();
  if (histogramChunks > 0) {
    const series = new HistogramSeries();
    for (let left = histogramChunks; left > 0; left--) series.restore(readHistogramChunk(reader));
    head.restoreHistograms(ref, series);
  }
  head.restoreNewest(ref, { timestampMs: newestMs, high, low, isHistogram: newestIsHistogram });
  return ref;
}

function readOpen(reader: ByteReader, head: Head, ref: SeriesRef): void {
  const count = reader.varint();
  if (count === 0) return;
  const firstMs = reader.float();
  const bitLength = reader.varint();
  const distanceMs = reader.zigzag();
  const window = reader.varint();
  const bytes = reader.take((bitLength + 7) >>> 3);
  head.restoreOpen(ref, { bytes, bitLength, count, firstMs, distanceMs, window });
}

import { BitReader, viewOf } from '../chunk/bits.ts';
import type { SampleColumns } from '../chunk/sample-columns.ts';
import { MAX_SEALED_SAMPLES, decodeSealed } from '../chunk/sealed-chunk.ts';
import type { SealedBytes } from '../head/head.ts';
import { decodeHistograms, type HistogramChunk, type TimedHistogram } from '../head/histogram-series.ts';
import { ByteReader, DamagedBytes } from '../log/byte-reader.ts';
import { ByteWriter } from '../log/byte-writer.ts';
import { readHistogramChunk, writeHistogramChunk } from '../log/histogram-bytes.ts';

/*
 * The bytes of one archived row: chunks of one series, one after the other.
 *
 *   kind 0   zigzag first time − the row's first time, varint count, varint length, bytes (sealed-chunk.ts)
 *   kind 1   as in log/histogram-bytes.ts
 */
export const KIND_FLOATS = 0;
const KIND_HISTOGRAMS = 1;

export interface ArchivedChunks {
  readonly kind: typeof KIND_FLOATS | typeof KIND_HISTOGRAMS;
  readonly minMs: number;
  readonly maxMs: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

export function packFloats(chunks: readonly SealedBytes[]): ArchivedChunks {
  const extent = extentOf(chunks);
  const writer = new ByteWriter(chunks.reduce((sum, chunk) => sum + chunk.bytes.length + 16, 0));
  for (const chunk of chunks) {
    writer.zigzag(chunk.minMs - extent.minMs);
    writer.varint(chunk.count);
    writer.varint(chunk.bytes.length);
    writer.copy(chunk.bytes);
  }
  return { kind: KIND_FLOATS, ...extent, bytes: writer.view().slice() };
}

export function packHistograms(chunks: readonly HistogramChunk[]): ArchivedChunks {
  const writer = new ByteWriter();
  for (const chunk of chunks) writeHistogramChunk(writer, chunk);
  return { kind: KIND_HISTOGRAMS, ...extentOf(chunks), bytes: writer.view().slice() };
}

/**
 * Appends the samples of a row to the columns.
 * @throws DamagedBytes
 */
export function unpackFloats(bytes: Uint8Array, rowMinMs: number, into: SampleColumns): void {
  const reader = new ByteReader(bytes);
  while (!reader.done) {
    const minMs = rowMinMs + reader.zigzag();
    const count = reader.varint();
    const chunk = reader.take(reader.varint());
    if (count > MAX_SEALED_SAMPLES) throw new DamagedBytes('A chunk claims too many samples.');
    decodeSealed(new BitReader(viewOf(chunk)), count, minMs, into);
  }
}

/** @throws DamagedBytes */
export function unpackHistograms(bytes: Uint8Array): TimedHistogram[] {
  const reader = new ByteReader(bytes);
  const samples: TimedHistogram[] = [];
  while (!reader.done) samples.push(...decodeHistograms(readHistogramChunk(reader)));
  return samples;
}

function extentOf(chunks: readonly { minMs: number; maxMs: number; count: number }[]): {
  minMs: number;
  maxMs: number;
  count: number;
} {
  return {
    minMs: Math.min(...chunks.map((chunk) => chunk.minMs)),
    maxMs: Math.max(...chunks.map((chunk) => chunk.maxMs)),
    count: chunks.reduce((sum, chunk) => sum + chunk.count, 0),
  };
}

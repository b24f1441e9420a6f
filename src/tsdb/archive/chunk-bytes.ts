import { crc32 } from 'node:zlib';
import { unpaced } from '#telemetry';
import { BitReader, viewOf } from '../chunk/bits.ts';
import type { SampleColumns } from '../chunk/sample-columns.ts';
import { MAX_SEALED_SAMPLES, decodeSealed } from '../chunk/sealed-chunk.ts';
import type { SealedBytes } from '../head/sealed-chunks.ts';
import { decodeHistograms, type HistogramChunk, type TimedHistogram } from '../head/histogram-series.ts';
import { ByteReader, DamagedBytes } from '../log/byte-reader.ts';
import { ByteWriter } from '../log/byte-writer.ts';
import { readHistogramChunk, writeHistogramChunk } from '../log/histogram-bytes.ts';

/*
 * The bytes of one archived row: chunks of one series, one after the other, then a checksum, because the database has
 * none.
 *
 *   kind 0    zigzag first time − the row's first time, varint count, varint length, bytes (sealed-chunk.ts)
 *   kind 1    as in log/histogram-bytes.ts
 *   4 bytes   CRC-32 (as in zlib) of the row's first time as a float and all bytes before
 */
export const KIND_FLOATS = 0;
const KIND_HISTOGRAMS = 1;
const CHECKSUM_BYTES = 4;
/** Samples unpacked between two chances to pause: about a millisecond. */
const SAMPLES_AT_ONCE = 20_000;

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
  return { kind: KIND_FLOATS, ...extent, bytes: sealed(writer, extent.minMs) };
}

export function packHistograms(chunks: readonly HistogramChunk[]): ArchivedChunks {
  const writer = new ByteWriter();
  const extent = extentOf(chunks);
  for (const chunk of chunks) writeHistogramChunk(writer, chunk);
  return { kind: KIND_HISTOGRAMS, ...extent, bytes: sealed(writer, extent.minMs) };
}

/**
 * Appends the samples of a row to the columns.
 * @throws DamagedBytes
 */
export function unpackFloats(bytes: Uint8Array, rowMinMs: number, into: SampleColumns): void {
  unpaced(unpackFloatsInSteps(bytes, rowMinMs, into));
}

/**
 * As `unpackFloats`, in steps: what leaves memory together is one row, and that may be hours of a series.
 * @throws DamagedBytes
 */
export function* unpackFloatsInSteps(
  bytes: Uint8Array,
  rowMinMs: number,
  into: SampleColumns,
): Generator<void, void, void> {
  const reader = contentOf(bytes, rowMinMs);
  let room = SAMPLES_AT_ONCE;
  while (!reader.done) {
    const minMs = rowMinMs + reader.zigzag();
    const count = reader.varint();
    const chunk = reader.take(reader.varint());
    if (count > MAX_SEALED_SAMPLES) throw new DamagedBytes('A chunk claims too many samples.');
    decodeSealed(new BitReader(viewOf(chunk)), count, minMs, into);
    room -= count;
    if (room > 0) continue;
    room = SAMPLES_AT_ONCE;
    yield;
  }
}

/** @throws DamagedBytes */
export function unpackHistograms(bytes: Uint8Array, rowMinMs: number): TimedHistogram[] {
  const reader = contentOf(bytes, rowMinMs);
  const samples: TimedHistogram[] = [];
  while (!reader.done) samples.push(...decodeHistograms(readHistogramChunk(reader)));
  return samples;
}

function sealed(writer: ByteWriter, rowMinMs: number): Uint8Array {
  writer.word(checksumOf(writer.view(), rowMinMs));
  return writer.view().slice();
}

/** @throws DamagedBytes */
function contentOf(bytes: Uint8Array, rowMinMs: number): ByteReader {
  const end = Math.max(0, bytes.length - CHECKSUM_BYTES);
  const content = bytes.subarray(0, end);
  const checksum = new ByteReader(bytes.subarray(end)).word();
  if (checksum !== checksumOf(content, rowMinMs))
    throw new DamagedBytes('A row does not match its checksum.');
  return new ByteReader(content);
}

function checksumOf(content: Uint8Array, rowMinMs: number): number {
  return crc32(content, crc32(new Uint8Array(Float64Array.of(rowMinMs).buffer)));
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

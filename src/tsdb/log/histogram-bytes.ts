import type { HistogramChunk } from '../head/histogram-series.ts';
import type { ByteReader } from './byte-reader.ts';
import { DamagedBytes } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { numberOrName } from './number-names.ts';

/** The most buckets that a layout may claim. */
const MAX_BUCKETS = 65_536;

/**
 * A chunk of native histograms outside the head: layout as JSON text, float first time, zigzag last time − first
 * time, varint count, varint length, bytes. Bounds that JSON has no number for are there by their names.
 */
export function writeHistogramChunk(into: ByteWriter, chunk: HistogramChunk): void {
  const { layout } = chunk;
  into.text(
    JSON.stringify({
      ...layout,
      zeroThreshold: numberOrName(layout.zeroThreshold),
      customBounds: layout.customBounds.map(numberOrName),
    }),
  );
  into.float(chunk.minMs);
  into.zigzag(chunk.maxMs - chunk.minMs);
  into.varint(chunk.count);
  into.varint(chunk.byteLength);
  into.copy(chunk.bytes.subarray(0, chunk.byteLength));
}

/** @throws DamagedBytes */
export function readHistogramChunk(reader: ByteReader): HistogramChunk {
  const layout = layoutOf(reader.text());
  const minMs = reader.float();
  const maxMs = minMs + reader.zigzag();
  const count = reader.varint();
  const bytes = reader.take(reader.varint()).slice();
  if (count > bytes.length)
    throw new DamagedBytes('A histogram chunk claims more samples than it has bytes.');
  return { layout, minMs, maxMs, count, bytes, byteLength: bytes.length };
}

/** A layout whose numbers may be there by their names. */
type NamedLayout = Omit<HistogramChunk['layout'], 'zeroThreshold' | 'customBounds'> & {
  readonly zeroThreshold: number | string;
  readonly customBounds: readonly (number | string)[];
};

function layoutOf(json: string): HistogramChunk['layout'] {
  try {
    // The text is under a checksum and was written by `writeHistogramChunk`; its size is checked below.
    const named = JSON.parse(json) as NamedLayout;
    const layout = {
      ...named,
      zeroThreshold: Number(named.zeroThreshold),
      customBounds: named.customBounds.map(Number),
    };
    const spans = [...layout.positiveSpans, ...layout.negativeSpans];
    if (spans.reduce((sum, span) => sum + span.length, 0) <= MAX_BUCKETS) return layout;
  } catch {
    throw new DamagedBytes('A histogram layout is not the JSON it should be.');
  }
  throw new DamagedBytes('A histogram layout has too many buckets.');
}

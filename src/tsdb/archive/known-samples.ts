import { SampleColumns } from '../chunk/sample-columns.ts';
import { encodeSealed } from '../chunk/sealed-chunk.ts';
import type { SealedBytes } from '../head/sealed-chunks.ts';
import { HistogramSeries, type TimedHistogram } from '../head/histogram-series.ts';
import {
  KIND_FLOATS,
  packFloats,
  packHistograms,
  unpackFloats,
  unpackHistograms,
  type ArchivedChunks,
} from './chunk-bytes.ts';

const MAX_CHUNK_SAMPLES = 120;

/** Samples of one series. */
interface KnownSamples {
  readonly floats: SampleColumns;
  readonly histograms: readonly TimedHistogram[];
}

/**
 * What of a row is not among the known samples, told by their times; the row itself where that is all of it, null
 * where it is nothing.
 */
export function withoutKnown(row: ArchivedChunks, known: KnownSamples): ArchivedChunks | null {
  return row.kind === KIND_FLOATS
    ? withoutKnownFloats(row, known.floats)
    : withoutKnownHistograms(row, known.histograms);
}

function withoutKnownFloats(row: ArchivedChunks, known: SampleColumns): ArchivedChunks | null {
  const times = new Set(known.timestampsMs.subarray(0, known.length));
  const given = new SampleColumns();
  unpackFloats(row.bytes, row.minMs, given);
  const fresh = new SampleColumns();
  fresh.reserve(given.length);
  for (let at = 0; at < given.length; at++) {
    const timestampMs = given.timestampsMs[at] ?? 0;
    if (times.has(timestampMs)) continue;
    fresh.push(timestampMs, given.words[2 * at + 1] ?? 0, given.words[2 * at] ?? 0);
  }
  if (fresh.length === given.length) return row;
  if (fresh.length === 0) return null;
  fresh.sortFrom(0);
  return packFloats(chunksOf(fresh));
}

function withoutKnownHistograms(
  row: ArchivedChunks,
  known: readonly TimedHistogram[],
): ArchivedChunks | null {
  const times = new Set(known.map(({ timestampMs }) => timestampMs));
  const given = unpackHistograms(row.bytes, row.minMs);
  const fresh = given.filter(({ timestampMs }) => !times.has(timestampMs));
  if (fresh.length === given.length) return row;
  if (fresh.length === 0) return null;
  fresh.sort((a, b) => a.timestampMs - b.timestampMs);
  const series = new HistogramSeries();
  for (const { timestampMs, histogram } of fresh) series.append(timestampMs, histogram);
  return packHistograms(series.chunks);
}

function chunksOf(columns: SampleColumns): SealedBytes[] {
  const chunks: SealedBytes[] = [];
  const part = new SampleColumns();
  for (let from = 0; from < columns.length; from += MAX_CHUNK_SAMPLES) {
    const end = Math.min(columns.length, from + MAX_CHUNK_SAMPLES);
    part.length = 0;
    for (let at = from; at < end; at++) {
      part.push(columns.timestampsMs[at] ?? 0, columns.words[2 * at + 1] ?? 0, columns.words[2 * at] ?? 0);
    }
    chunks.push({
      bytes: encodeSealed(part).slice(),
      count: part.length,
      minMs: columns.timestampsMs[from] ?? 0,
      maxMs: columns.timestampsMs[end - 1] ?? 0,
    });
  }
  return chunks;
}

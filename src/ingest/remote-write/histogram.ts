import type { HistogramSpan, HistogramValue } from '#telemetry';
import { histogramProblem } from '../histogram-check.ts';
import type { RequestLimits } from './request-limits.ts';
import { WIRE_BYTES, WIRE_FIXED64, WIRE_VARINT, type WireReader } from '../wire-reader.ts';

/** Buckets on one side; more are refused, whatever the spans claim. */
const MAX_BUCKETS = 10_000;
/** By field number; repeated numbers may be packed or not. */
const WIRE_TYPES: Readonly<Record<number, readonly number[]>> = {
  1: [WIRE_VARINT],
  2: [WIRE_FIXED64],
  3: [WIRE_FIXED64],
  4: [WIRE_VARINT],
  5: [WIRE_FIXED64],
  6: [WIRE_VARINT],
  7: [WIRE_FIXED64],
  8: [WIRE_BYTES],
  9: [WIRE_VARINT, WIRE_BYTES],
  10: [WIRE_FIXED64, WIRE_BYTES],
  11: [WIRE_BYTES],
  12: [WIRE_VARINT, WIRE_BYTES],
  13: [WIRE_FIXED64, WIRE_BYTES],
  14: [WIRE_VARINT],
  15: [WIRE_VARINT],
  16: [WIRE_FIXED64, WIRE_BYTES],
};
const RESET_HINTS = ['unknown', 'reset', 'not_reset', 'gauge'] as const;

export interface DecodedHistogram {
  readonly timestampMs: number;
  /** `stale` where the sum is the staleness marker: the series ends. */
  readonly histogram: HistogramValue | 'stale';
}

/** One side's buckets, in whichever of the two forms they came. */
interface Side {
  readonly spans: HistogramSpan[];
  readonly deltas: number[];
  readonly counts: number[];
}

/**
 * Reads the message `prometheus.Histogram` (prompb/types.proto) up to `end`. Integer histograms, whose buckets are
 * differences, become absolute counts.
 * @throws OmoiError `payload_undecodable`, `body_too_large`
 */
export function readHistogram(reader: WireReader, end: number, limits: RequestLimits): DecodedHistogram {
  const positive: Side = { spans: [], deltas: [], counts: [] };
  const negative: Side = { spans: [], deltas: [], counts: [] };
  const customBounds: number[] = [];
  // The field that the count stands in tells which of the two kinds of histogram this is.
  let hasWholeCounts = true;
  let [count, sum, schema, zeroThreshold, zeroCount, resetHint, timestampMs] = [0, 0, 0, 0, 0, 0, 0];
  let isStale = false;
  while (reader.at < end) {
    const tag = reader.varint32(end);
    const wireTypes = WIRE_TYPES[tag >>> 3];
    if (wireTypes) reader.expect(tag, ...wireTypes);
    switch (tag >>> 3) {
      case 1:
        count = reader.unsigned(end);
        break;
      case 2:
        count = reader.double(end);
        hasWholeCounts = false;
        break;
      case 3:
        sum = reader.double(end);
        isStale = reader.isStaleMarker(reader.at - 8);
        break;
      case 4:
        schema = reader.zigzag(end);
        break;
      case 5:
        zeroThreshold = reader.double(end);
        break;
      case 6:
        zeroCount = reader.unsigned(end);
        break;
      case 7:
        zeroCount = reader.double(end);
        break;
      case 8:
        addSpan(negative, reader, end);
        break;
      case 9:
        readNumbers(reader, { tag, end, into: negative.deltas, next: (stop) => reader.zigzag(stop) });
        break;
      case 10:
        readNumbers(reader, { tag, end, into: negative.counts, next: (stop) => reader.double(stop) });
        break;
      case 11:
        addSpan(positive, reader, end);
        break;
      case 12:
        readNumbers(reader, { tag, end, into: positive.deltas, next: (stop) => reader.zigzag(stop) });
        break;
      case 13:
        readNumbers(reader, { tag, end, into: positive.counts, next: (stop) => reader.double(stop) });
        break;
      case 14:
        resetHint = reader.varint32(end);
        break;
      case 15:
        timestampMs = reader.signed(end);
        break;
      case 16:
        readNumbers(reader, { tag, end, into: customBounds, next: (stop) => reader.double(stop) });
        break;
      default:
        reader.skip(tag, end);
    }
  }
  const parts = [positive, negative].flatMap(({ spans, deltas, counts }) => [spans, deltas, counts]);
  limits.count(
    'maxRequestBuckets',
    parts.reduce((sum, { length }) => sum + length, customBounds.length),
  );
  if (isStale) return { timestampMs, histogram: 'stale' };
  const histogram: HistogramValue = {
    schema,
    count,
    sum,
    zeroThreshold,
    zeroCount,
    positiveSpans: positive.spans,
    positiveCounts: countsOf(positive),
    negativeSpans: negative.spans,
    negativeCounts: countsOf(negative),
    customBounds,
    counterReset: RESET_HINTS[resetHint] ?? 'unknown',
  };
  const problem = histogramProblem(histogram, hasWholeCounts ? 'whole' : 'float');
  if (problem !== null) throw reader.broken(`a histogram does not hold together: ${problem}`);
  return { timestampMs, histogram };
}

function addSpan(side: Side, reader: WireReader, end: number): void {
  if (side.spans.length === MAX_BUCKETS)
    throw reader.broken(`a histogram has more than ${MAX_BUCKETS} spans`);
  side.spans.push(readSpan(reader, end));
}

function readSpan(reader: WireReader, end: number): HistogramSpan {
  const spanEnd = reader.fieldEnd(end);
  let offset = 0;
  let length = 0;
  while (reader.at < spanEnd) {
    const tag = reader.varint32(spanEnd);
    if (tag >>> 3 === 1) offset = reader.zigzag(spanEnd);
    else if (tag >>> 3 === 2) length = reader.varint32(spanEnd);
    else reader.skip(tag, spanEnd);
  }
  return { offset, length };
}

/** A repeated number, packed or one by one. */
function readNumbers(
  reader: WireReader,
  field: { tag: number; end: number; into: number[]; next: (end: number) => number },
): void {
  const packed = (field.tag & 7) === WIRE_BYTES;
  const stop = packed ? reader.fieldEnd(field.end) : reader.at + 1;
  while (reader.at < stop) {
    if (field.into.length === MAX_BUCKETS)
      throw reader.broken(`a histogram has more than ${MAX_BUCKETS} buckets`);
    field.into.push(field.next(packed ? stop : field.end));
  }
}

/** The absolute counts of a side's buckets. */
function countsOf({ counts, deltas }: Side): number[] {
  let count = 0;
  for (const delta of deltas) counts.push((count += delta));
  return counts;
}

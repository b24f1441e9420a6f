import { expect, test } from 'vitest';
import type { HistogramValue } from '#telemetry';
import { HistogramSeries } from '../head/histogram-series.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { readHistogramChunk, writeHistogramChunk } from './histogram-bytes.ts';

const exponential: HistogramValue = {
  schema: 2,
  count: 3,
  sum: 12.5,
  zeroThreshold: 0.001,
  zeroCount: 1,
  positiveSpans: [{ offset: -4, length: 2 }],
  positiveCounts: [1, 0.5],
  negativeSpans: [{ offset: 1, length: 1 }],
  negativeCounts: [0.5],
  customBounds: [],
  counterReset: 'gauge',
};
const custom: HistogramValue = {
  ...exponential,
  schema: -53,
  negativeSpans: [],
  negativeCounts: [],
  customBounds: [Number.NEGATIVE_INFINITY, -0, 1e300],
};

test.each<[string, HistogramValue]>([
  ['exponential buckets', exponential],
  ['an infinite zero bucket', { ...exponential, zeroThreshold: Number.POSITIVE_INFINITY }],
  ['custom bounds that JSON has no numbers for', custom],
  ['no sum', { ...exponential, sum: Number.NaN }],
])('a chunk comes back as it was: %s', (_, histogram) => {
  const series = new HistogramSeries();
  series.append(5, histogram);
  const [chunk] = series.chunks;
  const writer = new ByteWriter();
  if (chunk) writeHistogramChunk(writer, chunk);
  const read = new HistogramSeries();
  read.restore(readHistogramChunk(new ByteReader(writer.view())));
  expect(read.read(0, 10)).toEqual([{ timestampMs: 5, histogram }]);
});

import { expect, test } from 'vitest';
import { SampleColumns } from '../chunk/sample-columns.ts';
import { encodeSealed } from '../chunk/sealed-chunk.ts';
import { HistogramSeries } from '../head/histogram-series.ts';
import { packFloats, packHistograms, unpackFloats, unpackHistograms } from './chunk-bytes.ts';

function floats() {
  const columns = new SampleColumns();
  columns.reserve(20);
  for (let at = 0; at < 20; at++) columns.push(1000 + at * 15_000, 0x40000000 + at * 77, at);
  const bytes = encodeSealed(columns).slice();
  return packFloats([{ bytes, count: 20, minMs: 1000, maxMs: 286_000 }]);
}

function histograms() {
  const series = new HistogramSeries();
  for (let at = 1; at < 4; at++) {
    series.append(at * 1000, {
      schema: 0,
      count: at,
      sum: at / 3,
      zeroThreshold: 0,
      zeroCount: 0,
      positiveSpans: [{ offset: 0, length: 1 }],
      positiveCounts: [at],
      negativeSpans: [],
      negativeCounts: [],
      customBounds: [],
      counterReset: 'unknown',
    });
  }
  return packHistograms(series.chunks);
}

const readers = {
  floats: (bytes: Uint8Array, minMs: number) => unpackFloats(bytes, minMs, new SampleColumns()),
  histograms: (bytes: Uint8Array, minMs: number) => unpackHistograms(bytes, minMs),
};

test.each([
  { name: 'floats', row: floats(), read: readers.floats },
  { name: 'histograms', row: histograms(), read: readers.histograms },
])('whatever happens to a row of $name, no sample is read from it', ({ row: { bytes, minMs }, read }) => {
  expect(() => read(bytes, minMs)).not.toThrow();
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.with(bit >> 3, (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7)));
    expect(() => read(flipped, minMs), `bit ${bit}`).toThrow();
  }
  for (let length = 0; length < bytes.length; length++) {
    expect(() => read(bytes.subarray(0, length), minMs), `length ${length}`).toThrow();
  }
  expect(() => read(bytes, minMs + 1)).toThrow();
});

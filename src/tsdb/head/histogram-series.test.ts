import { expect, it } from 'vitest';
import { histogramOf } from '../histogram.test-support.ts';
import { HistogramSeries, type HistogramChunk } from './histogram-series.ts';

const CHUNKS = 1000;

/** A chunk of samples a second apart. */
function chunkFrom(startMs: number, samples: number): HistogramChunk {
  const series = new HistogramSeries();
  for (let at = 0; at < samples; at++) series.append(startMs + at * 1000, histogramOf(startMs + at));
  const [chunk] = series.chunks;
  if (!chunk) throw new Error('nothing was appended');
  return chunk;
}

it.each([
  ['one sample each, as those that came late', 1, 1],
  ['several samples each', 2, 11],
])('finds a time among many chunks of %s without looking at them all', (_, samples, mostLooks) => {
  const series = new HistogramSeries();
  let looks = 0;
  for (let at = 0; at < CHUNKS; at++) {
    const chunk = chunkFrom(at * 10_000, samples);
    const { maxMs } = chunk;
    const counted = { get: () => (looks++, maxMs), set: () => {}, enumerable: true };
    series.restore(Object.defineProperty({ ...chunk }, 'maxMs', counted));
  }
  looks = 0;
  expect(series.at(7_770_000)).toMatchObject({ count: 7_770_000 });
  expect(series.at(7_775_000)).toBeUndefined();
  expect(looks).toBeLessThanOrEqual(2 * mostLooks);
});

it('keeps late ones beside those in order, and lets both go', () => {
  const series = new HistogramSeries();
  for (const timeMs of [1000, 5000, 9000]) series.append(timeMs, histogramOf(timeMs));
  for (const timeMs of [7000, 3000]) series.addLate(timeMs, histogramOf(timeMs));
  series.append(11_000, histogramOf(11_000));
  const times = () => series.read(0, 20_000).map(({ timestampMs }) => timestampMs);
  expect(times()).toEqual([1000, 3000, 5000, 7000, 9000, 11_000]);
  series.remove(new Set(series.chunks.filter(({ minMs }) => minMs === 3000)));
  expect(times()).toEqual([1000, 5000, 7000, 9000, 11_000]);
  series.dropBefore(8000);
  expect(times()).toEqual([1000, 5000, 9000, 11_000]);
  series.dropBefore(20_000);
  expect(series.isEmpty).toBe(true);
});

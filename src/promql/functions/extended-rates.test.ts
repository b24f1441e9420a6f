import { expect, it } from 'vitest';
import { createSeededRandom, VirtualClock, type SelectedSeries } from '#telemetry';
import { createEngine } from '../engine.ts';
import { MemoryQueryable } from '../engine.test-support.ts';
import { ALL_FEATURES } from '../syntax/features.ts';

const SEED = Number(process.env['SEED'] ?? Math.trunc(Math.random() * 1e9));
const random = createSeededRandom(SEED);
const MINUTE_MS = 60_000;

/** Samples at times of their own, a few to a minute, each next to the one before. */
function sampled(minutes: number, next: (before: number) => number): SelectedSeries {
  const timestampsMs: number[] = [];
  const values: number[] = [];
  for (let timeMs = 0; timeMs < minutes * MINUTE_MS; timeMs += 5000 + Math.trunc(random.next() * 40_000)) {
    timestampsMs.push(timeMs);
    values.push(next(values.at(-1) ?? 0));
  }
  const labels = { __name__: 'm_total' };
  return { labels, timestampsMs: Float64Array.from(timestampsMs), values: Float64Array.from(values) };
}

/** The values of a query at each whole minute of a range; NaN where there is none. */
async function atMinutes(series: SelectedSeries, query: string, minutes: number): Promise<number[]> {
  const engine = createEngine({ clock: new VirtualClock(), features: ALL_FEATURES });
  const range = { startMs: 0, endMs: minutes * MINUTE_MS, stepMs: MINUTE_MS };
  const result = await engine.prepare(query).range(new MemoryQueryable(series), range);
  const [one] = result.kind === 'matrix' ? result.series : [];
  const found = Array.from({ length: minutes + 1 }, () => NaN);
  one?.timestampsMs.forEach((timeMs, at) => (found[timeMs / MINUTE_MS] = one.values[at] ?? NaN));
  return found;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

const COUNTER = sampled(60, (before) => (random.next() < 0.05 ? 0 : before + random.next() * 10));
const GAUGE = sampled(60, () => random.next() * 100);

it.each([
  ['increase', 'anchored', COUNTER],
  ['delta', 'anchored', GAUGE],
  ['delta', 'smoothed', GAUGE],
  ['changes', 'anchored', GAUGE],
  ['resets', 'anchored', COUNTER],
])(`%s of %s ranges adds up over adjacent ones (SEED=${SEED})`, async (name, boundary, series) => {
  const ones = await atMinutes(series, `${name}(m_total[1m] ${boundary})`, 55);
  const tens = await atMinutes(series, `${name}(m_total[10m] ${boundary})`, 55);
  for (let end = 15; end <= 55; end++) {
    expect(tens[end]).toBeCloseTo(sum(ones.slice(end - 9, end + 1)), 6);
  }
});

it(`a smoothed selector lies on the line between two samples (SEED=${SEED})`, async () => {
  const smoothed = await atMinutes(GAUGE, 'm_total smoothed', 55);
  const { timestampsMs, values } = GAUGE;
  smoothed.forEach((value, minute) => {
    const timeMs = minute * MINUTE_MS;
    const next = timestampsMs.findIndex((sampleMs) => sampleMs >= timeMs);
    const [start = 0, end = 0] = [values[Math.max(0, next - 1)], values[next]];
    const [startMs = 0, endMs = 0] = [timestampsMs[Math.max(0, next - 1)], timestampsMs[next]];
    const expected =
      endMs === timeMs ? end : (start * (endMs - timeMs) + end * (timeMs - startMs)) / (endMs - startMs);
    expect(value).toBeCloseTo(expected, 6);
  });
});

it(`what a smoothed range has grown by is the difference of smoothed values (SEED=${SEED})`, async () => {
  const values = await atMinutes(GAUGE, 'm_total smoothed', 55);
  const growths = await atMinutes(GAUGE, 'delta(m_total[5m] smoothed)', 55);
  const rising = sampled(60, (before) => before + random.next());
  const rates = await atMinutes(rising, 'rate(m_total[5m] smoothed)', 55);
  const heights = await atMinutes(rising, 'm_total smoothed', 55);
  for (let end = 5; end <= 55; end++) {
    expect(growths[end]).toBeCloseTo((values[end] ?? NaN) - (values[end - 5] ?? NaN), 6);
    expect(rates[end]).toBeCloseTo(((heights[end] ?? NaN) - (heights[end - 5] ?? NaN)) / 300, 6);
  }
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { propertyRuns } from '../../../tests/property-runs.ts';
import { Annotations } from '../annotations.ts';
import { RangeWindow } from '../evaluation/range-window.ts';
import { ABSENT, VectorTable } from '../evaluation/vector-table.ts';
import { RANGE_FUNCTIONS } from './range-functions.ts';
import { fillLongRateRow, fillRateRow, isLongRateRow, RATE_ROWS, type RowWindows } from './rate-rows.ts';

const samples = fc.array(
  fc.record({
    afterMs: fc.integer({ min: 1, max: 40_000 }),
    value: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 50 }) },
      { weight: 2, arbitrary: fc.double() },
      { weight: 1, arbitrary: fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 1e300, -5) },
    ),
  }),
  { maxLength: 80, size: 'max' },
);
const windows: fc.Arbitrary<RowWindows> = fc.record({
  firstEndMs: fc.integer({ min: -50_000, max: 500_000 }),
  stepMs: fc.integer({ min: 1, max: 60_000 }),
  stepCount: fc.integer({ min: 1, max: 60 }),
  rangeMs: fc.integer({ min: 1, max: 400_000 }),
});

test.each([...RATE_ROWS])('%s of a row is that of each of its windows, bit by bit', (name, kind) => {
  const compute = RANGE_FUNCTIONS.get(name)?.();
  fc.assert(
    fc.property(samples, windows, (given, places) => {
      const { firstEndMs, stepMs, stepCount, rangeMs } = places;
      let timeMs = 0;
      const times = Float64Array.from(given, ({ afterMs }) => (timeMs += afterMs));
      const run = {
        labels: {},
        dropsName: false,
        times,
        values: Float64Array.from(given, ({ value }) => value),
        histogramTimes: new Float64Array(0),
        histograms: [],
      };
      const position = { start: 0, end: 0 };
      const window = new RangeWindow({ rangeMs, scalars: [], annotations: new Annotations(), position });
      window.enter(run);
      const expected = new VectorTable(stepCount, 1);
      expected.addRow({}, false);
      const seen = new Set<number>();
      let found = 0;
      let queried = 0;
      for (let step = 0; step < stepCount; step++) {
        const endMs = firstEndMs + step * stepMs;
        window.moveTo(endMs - rangeMs, endMs);
        queried += window.floatCount;
        for (let at = window.from; at < window.to; at++) seen.add(at);
        if (window.floatCount === 0 || !compute || compute(window) === ABSENT) continue;
        found++;
        expected.setFloat(step, window.value);
      }
      const table = new VectorTable(stepCount, 1);
      const cell = table.addRow({}, false);
      const counts = fillRateRow({ table, cell }, run, { kind, windows: places });
      expect(table.values).toEqual(expected.values);
      expect(table.kinds).toEqual(expected.kinds);
      expect(counts).toMatchObject({ samples: found, queried, read: seen.size });
    }),
    { numRuns: propertyRuns(300) },
  );
});

test.each([
  ['many samples', { length: 120_000, stepCount: 20 }],
  ['many resets in many windows', { length: 30_000, stepCount: 1000 }],
])('of %s is filled in steps, bit by bit as in one go', (_, { length, stepCount }) => {
  const run = {
    labels: {},
    dropsName: false,
    times: Float64Array.from({ length }, (_value, at) => at),
    values: Float64Array.from({ length }, (_value, at) => (at % 3) + at / 7),
    histogramTimes: new Float64Array(0),
    histograms: [],
  };
  const windows = { firstEndMs: length / 2, stepMs: 20, stepCount, rangeMs: length / 2 };
  const options = { kind: { isCounter: true, isPerSecond: true }, windows };
  const [expected, table] = [new VectorTable(stepCount, 1), new VectorTable(stepCount, 1)];
  const cell = expected.addRow({}, false);
  table.addRow({}, false);
  const counts = fillRateRow({ table: expected, cell }, run, options);

  expect(isLongRateRow(run, options)).toBe(true);
  const steps = fillLongRateRow({ table, cell }, run, options);
  let pauses = 0;
  let step = steps.next();
  for (; step.done !== true; step = steps.next()) pauses++;
  // A third of the window's samples are resets; fifty thousand are looked at between two pauses.
  expect(pauses).toBeGreaterThan((stepCount * length) / 2 / 3 / 100_000);
  expect(step.value).toMatchObject({
    samples: counts.samples,
    queried: counts.queried,
    read: counts.read,
  });
  expect(counts.samples).toBe(stepCount);
  expect(table.values).toEqual(expected.values);
  expect(table.kinds).toEqual(expected.kinds);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { unpaced } from '#telemetry';
import { propertyRuns } from '../../../tests/property-runs.ts';
import { mergeRuns } from './merge-runs.ts';
import { SampleColumns } from './sample-columns.ts';

/** Columns with these times, whose values say which was added when; one of them keeps the bits of a NaN. */
function columnsOf(timesMs: Iterable<number>): SampleColumns {
  const columns = new SampleColumns();
  for (const timeMs of timesMs) {
    columns.reserve(1);
    columns.push(timeMs, columns.length === 1 ? 0x7ff00000 : columns.length, 2);
  }
  return columns;
}

function contentOf({ timestampsMs, words, length }: SampleColumns) {
  return { timestampsMs: timestampsMs.slice(0, length), words: words.slice(0, 2 * length) };
}

test('orders samples as one sort does, with the first of those that have one time', () => {
  const runs = fc.array(fc.array(fc.nat(60), { maxLength: 30 }), { maxLength: 12 });
  fc.assert(
    fc.property(runs, fc.boolean(), (given, sorted) => {
      const times = given.flatMap((run) => (sorted ? run.toSorted((a, b) => a - b) : run));
      const [merged, expected] = [columnsOf(times), columnsOf(times)];
      unpaced(mergeRuns(merged));
      expected.sortFrom(0);
      expect(contentOf(merged)).toEqual(contentOf(expected));
    }),
    { numRuns: propertyRuns(500) },
  );
});

test('pauses while it does so, and looks at what is in order once', () => {
  const length = 300_000;
  const inOrder = columnsOf(Array.from({ length }, (_, at) => at));
  const apart = columnsOf(Array.from({ length }, (_, at) => (at * 7919) % length));
  const looks = [...mergeRuns(inOrder)].length;
  expect(looks).toBe(6);
  expect([...mergeRuns(apart)].length).toBeGreaterThan(2 * looks);
  expect(contentOf(apart).timestampsMs).toEqual(contentOf(inOrder).timestampsMs);
});

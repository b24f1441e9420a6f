import fc from 'fast-check';
import { expect, test } from 'vitest';
import { propertyRuns } from '../../tests/property-runs.ts';
import { Stretch, VirtualClock } from '#telemetry';
import { DistinctTexts } from './distinct-texts.ts';

test('gives what a set and a sort give, cut to the limit', async () => {
  const texts = fc.array(fc.integer({ min: 0, max: 9000 }).map(String), { maxLength: 12_000, size: 'max' });
  const limits = fc.oneof(
    fc.constant(undefined),
    fc.integer({ min: 1, max: 40 }),
    fc.integer({ min: 900, max: 9000 }),
  );
  await fc.assert(
    fc.asyncProperty(texts, limits, async (given, limit) => {
      const distinct = new DistinctTexts(limit);
      for (const text of given) distinct.add(text);
      const sorted = [...new Set(given)].sort();
      expect(await distinct.take(new Stretch(new VirtualClock()))).toEqual({
        items: sorted.slice(0, limit),
        isTruncated: limit !== undefined && sorted.length > limit,
      });
    }),
    { numRuns: propertyRuns(60) },
  );
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { propertyRuns } from '../../../../tests/property-runs.ts';
import { RefSlots } from './ref-slots.ts';

it('numbers references in the order in which they come, in each unit anew', () => {
  const ref = fc.oneof(fc.nat(50), fc.nat(1_000_000), fc.maxSafeNat());
  const units = fc.array(fc.array(ref, { maxLength: 6000 }), { maxLength: 4 });
  fc.assert(
    fc.property(units, (all) => {
      const slots = new RefSlots();
      for (const refs of all) {
        const numbers = new Map<number, number>();
        for (const each of refs) {
          expect(slots.find(each)).toBe(numbers.get(each) ?? -1);
          if (!numbers.has(each)) numbers.set(each, numbers.size);
          expect(slots.add(each)).toBe(numbers.get(each));
          expect(slots.find(each)).toBe(numbers.get(each));
        }
        expect(slots.size).toBe(numbers.size);
        slots.clear();
      }
    }),
    { numRuns: propertyRuns(20) },
  );
});

it('grows without forgetting', () => {
  const slots = new RefSlots();
  for (let ref = 0; ref < 20_000; ref++) slots.add(ref * 2 ** 20);
  for (let ref = 0; ref < 20_000; ref++) if (slots.find(ref * 2 ** 20) !== ref) expect(ref).toBe('found');
  slots.clear();
  expect(slots.find(0)).toBe(-1);
});

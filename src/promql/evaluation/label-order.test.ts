import fc from 'fast-check';
import { expect, it } from 'vitest';
import { propertyRuns } from '../../../tests/property-runs.ts';
import type { Labels } from '#telemetry';
import { labelOrderOf } from './label-order.ts';

function sorted(sets: readonly Labels[]): readonly Labels[] {
  const steps = labelOrderOf(sets);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return [...sets.keys()].sort(step.value).map((place) => sets[place] ?? {});
}

it.each<readonly Labels[]>([
  [{ a: '1' }, { a: '2' }],
  [{ a: '1' }, { a: '1', b: '1' }],
  [{ a: '2' }, { b: '1' }],
  [{}, { a: '1' }],
  [{ b: '', a: '1' }, { b: '1' }],
  // Names as texts, though objects have such keys by number.
  [{ '10': 'x', '9': 'y' }, { '9': 'x' }],
])('%o stands before %o', (first, second) => {
  expect(sorted([second, first])).toEqual([first, second]);
  expect(sorted([first, second])).toEqual([first, second]);
});

it('label sets are in the order of their sorted pairs', () => {
  const text = fc.constantFrom('', '1', '2', '10', 'ä');
  const labelSet = fc.dictionary(fc.constantFrom('a', 'b', '10', '9', '__name__'), text);
  const pairsOf = (labels: Labels): readonly string[] =>
    Object.keys(labels)
      .filter((name) => labels[name] !== '')
      .sort()
      .flatMap((name) => [name, labels[name] ?? '']);
  fc.assert(
    fc.property(fc.array(labelSet), (sets) => {
      const shown = sorted(sets).map((labels) =>
        pairsOf(labels)
          .map((part) => `${part}\0`)
          .join(''),
      );
      expect(shown).toEqual(shown.toSorted());
    }),
    { numRuns: propertyRuns(300) },
  );
});

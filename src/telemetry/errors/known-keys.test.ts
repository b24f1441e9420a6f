import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nearestWord, WordDistance } from './known-keys.ts';

it.each([
  ['one letter is missing', 'restrt', ['stop', 'restart'], 'restart'],
  ['two are exchanged', 'haelth', ['generation', 'health'], 'health'],
  ['the case differs', 'MaxTasks', ['maxtasks'], 'maxtasks'],
  ['of two that are as near the first', 'cat', ['bat', 'hat'], 'bat'],
  ['a nearer one that comes later', 'weight', ['height', 'weights', 'weight'], 'weight'],
  ['of a longer before a shorter word', 'abcd', ['abcdefg', 'abc'], 'abc'],
  ['of a shorter before a longer word', 'abcd', ['ab', 'abcde'], 'abcde'],
  ['four letters differ', 'abcdefgh', ['abcd', 'efghabcd'], null],
  ['half of a short word differs', 'xyz', ['abc'], null],
  ['nothing is known', 'word', [], null],
])('the word that was meant, where %s', (_what, word, candidates, meant) => {
  expect(nearestWord(word, candidates)).toBe(meant);
});

/** The whole table, as a textbook has it. */
function distanceOf(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let at = 1; at <= one.length; at++) {
    const next = [at];
    for (let column = 1; column <= other.length; column++) {
      const replaced = (row[column - 1] ?? 0) + (one[at - 1] === other[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

it('a distance within the bound is that of the whole table, and any other is none', () => {
  const distance = new WordDistance();
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 12 });
  fc.assert(
    fc.property(word, word, fc.integer({ min: 0, max: 6 }), (one, other, atMost) => {
      const edits = distanceOf(one, other);
      expect(distance.between(one, other, atMost)).toBe(edits <= atMost ? edits : null);
    }),
    { numRuns: 2000 },
  );
});

it.each([
  // As people number them: all but the end is the same.
  ['numbered', (at: number) => `checkout-worker-queue-backlog-${String(at).padStart(5, '0')}`, 3],
  // Nothing in common but the length.
  ['unlike', (at: number) => `${BigInt(at + 1) ** 9n * 7919n}`.padStart(45, '5'), 20],
])('unknown names among ten thousand %s ones fill few cells of a table', (_what, nameOf, cellsAPair) => {
  const known = Array.from({ length: 10_000 }, (_, at) => nameOf(at));
  const distance = new WordDistance();
  const unknown = Array.from({ length: 100 }, (_, at) => nameOf(at * 70).replace(/.$/, 'x'));
  for (const name of unknown) expect(nearestWord(name, known, 3, distance)).not.toBeNull();
  // A whole table has more than a thousand.
  expect(distance.cells).toBeLessThan(unknown.length * known.length * cellsAPair);
});

import { expect, it } from 'vitest';
import { LostWork } from './lost-work.ts';

/** Since any time. */
const long = (): number => 60_000;

it('is kept by one that says to work on as much as before, for longer than it may take to let go', () => {
  const work = new LostWork();
  work.lost('task', { atMs: 0, besides: 2 });
  expect(work.keptTask(long)).toBeNull();
  work.worksOn(3);
  expect([work.keptTask(() => 14_999), work.keptTask(() => 15_000)]).toEqual([null, 'task']);
  work.worksOn(2);
  expect(work.keptTask(long)).toBeNull();
});

it.each([
  ['one piece of work, then none', [1, 1, 0], ['task', 'task', null]],
  ['three, then two', [3, 3, 2], ['task', 'task', null]],
  ['none', [0], [null]],
])('that an earlier server knew of is kept at once, until it says less: %s', (_, says, kept) => {
  const work = new LostWork();
  work.stillKept('task');
  expect(work.keptTask(() => 0)).toBe('task');
  const seen = says.map((besides) => {
    work.worksOn(besides);
    return work.keptTask(() => 0);
  });
  expect(seen).toEqual(kept);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { propertyRuns } from '../../../tests/property-runs.ts';
import { DueTimes } from './due-times.ts';

test('gives out what is due, the longest due first, once', () => {
  const due = new DueTimes<string>(1000);
  due.set('later', 1500);
  due.set('soon', 1100);
  due.set('past', 3);
  expect([...due.take(1099)]).toEqual(['past']);
  expect([...due.take(1100)]).toEqual(['soon']);
  expect([...due.take(1499)]).toEqual([]);
  expect([...due.take(9999)]).toEqual(['later']);
  expect([...due.take(9999), due.size]).toEqual([0]);
});

test('what is set anew falls due then alone, and what is deleted never', () => {
  const due = new DueTimes<string>(0);
  for (const item of ['a', 'b', 'c']) due.set(item, 100);
  due.set('a', 200);
  due.delete('b');
  due.delete('unknown');
  expect([...due.take(150)]).toEqual(['c']);
  due.set('a', 160);
  expect([...due.take(200)]).toEqual(['a']);
});

test('who stops reading leaves the rest, and what is set meanwhile comes the next time', () => {
  const due = new DueTimes<number>(0);
  for (let item = 0; item < 10; item++) due.set(item, 100);
  for (const item of due.take(100)) {
    due.set(item, 0);
    if (item === 2) break;
  }
  const second: number[] = [];
  for (const item of due.take(110)) {
    second.push(item);
    due.set(item, 0);
  }
  expect(second).toEqual([3, 4, 5, 6, 7, 8, 9, 0, 1, 2]);
  expect(due.size).toBe(10);
});

test('is a list of times that is looked through', () => {
  const step = fc.oneof(
    fc.record({ set: fc.nat(20), inMs: fc.integer({ min: -50, max: 400 }) }),
    fc.record({ drop: fc.nat(20) }),
    fc.record({ passMs: fc.nat(300), most: fc.integer({ min: 1, max: 30 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let nowMs = 0;
      const due = new DueTimes<number>(nowMs);
      const times = new Map<number, number>();
      for (const one of steps) {
        if ('set' in one) {
          due.set(one.set, nowMs + one.inMs);
          // Nobody can be told of it before it was set.
          times.set(one.set, nowMs + Math.max(0, one.inMs));
        } else if ('drop' in one) {
          due.delete(one.drop);
          times.delete(one.drop);
        } else {
          nowMs += one.passMs;
          let taken = 0;
          for (const item of due.take(nowMs)) {
            expect(times.get(item)).toBeLessThanOrEqual(nowMs);
            times.delete(item);
            if (++taken === one.most) break;
          }
          // A time is told at most ten milliseconds too late.
          if (taken < one.most) for (const atMs of times.values()) expect(atMs).toBeGreaterThan(nowMs - 10);
        }
        expect(due.size).toBe(times.size);
      }
    }),
    { numRuns: propertyRuns(300) },
  );
});

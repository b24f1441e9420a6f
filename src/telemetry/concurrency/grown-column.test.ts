import { expect, it } from 'vitest';
import { SampleBatch } from '../series/sample.ts';
import { grownColumn } from './grown-column.ts';

it.each([
  ['of eight bytes', (length: number) => new Float64Array(length)],
  ['of four', (length: number) => new Uint32Array(length)],
  ['of one', (length: number) => new Uint8Array(length)],
])('a column of numbers %s is copied 128 KiB at a time, as far as it is used', (_, column) => {
  const bytes = 1024 * 1024;
  const from = column(bytes / column(0).BYTES_PER_ELEMENT + 10);
  for (let at = 0; at < from.length; at++) from[at] = at % 200;
  const used = from.length - 7;
  const copying = grownColumn(from, column(2 * from.length), used);
  let steps = 0;
  let step = copying.next();
  for (; !step.done; step = copying.next()) steps++;
  expect(steps).toBe(9);
  expect(step.value).toHaveLength(2 * from.length);
  expect(step.value.subarray(0, used)).toEqual(from.subarray(0, used));
  expect(step.value[used]).toBe(0);
});

it('a batch of samples makes room in steps, and keeps what it has', () => {
  const batch = new SampleBatch(100_000);
  for (let at = 0; at < 100_000; at++) {
    if (at % 2 === 0) batch.add(at, 2 * at, 3 * at);
    else batch.addStale(at, 2 * at);
  }
  let steps = 0;
  for (const _ of batch.makeRoom(1)) steps++;
  // Three columns of 800,000 bytes and one of 100,000.
  expect(steps).toBe(3 * 7 + 1);
  batch.add(7, 8, 9);
  expect([...batch.refs.subarray(99_998, 100_001)]).toEqual([99_998, 99_999, 7]);
  expect([...batch.timestampsMs.subarray(99_998, 100_001)]).toEqual([199_996, 199_998, 8]);
  expect([...batch.values.subarray(99_998, 100_001)]).toEqual([299_994, Number.NaN, 9]);
  expect([...batch.stale.subarray(99_998, 100_001)]).toEqual([0, 1, 0]);
  for (const _ of batch.makeRoom(99_999)) throw new Error('there was room');
});

import { expect, it } from 'vitest';
import { PointRows } from './point-rows.ts';

const ROWS = 131_072;

function filled(): PointRows {
  const rows = new PointRows();
  for (let at = 0; at < ROWS; at++) rows.add(at, 2 * at, 3 * at, 4 * at, at % 2 === 1);
  for (let at = 0; at < ROWS; at++) rows.addNumber(at);
  return rows;
}

function stepsOf(work: Generator<void>): number {
  let steps = 0;
  for (const _ of work) steps++;
  return steps;
}

it('make room for more points in steps of 128 KiB, and keep those that are there', () => {
  const rows = filled();
  expect(stepsOf(rows.makeRoom(1))).toBe((ROWS * (4 + 4 + 8 + 8 + 8 + 1)) / (128 * 1024));
  expect(stepsOf(rows.makeRoom(ROWS))).toBe(0);
  rows.add(1, 2, 3, 4, true);
  for (const at of [0, 40_001, ROWS - 1]) {
    const row = [rows.writers[at], rows.timesMs[at], rows.startsMs[at], rows.values[at], rows.stale[at]];
    expect(row).toEqual([at, 2 * at, 3 * at, 4 * at, at % 2]);
  }
  expect([rows.writers[ROWS], rows.stale[ROWS], rows.length]).toEqual([1, 1, ROWS + 1]);
});

it('make room for more numbers in steps of 128 KiB', () => {
  const rows = filled();
  expect(rows.lacksNumbers(1)).toBe(true);
  expect(stepsOf(rows.makeRoomForNumbers(1))).toBe((ROWS * 8) / (128 * 1024));
  expect([rows.lacksNumbers(ROWS), rows.lacksNumbers(ROWS + 1)]).toEqual([false, true]);
  expect([rows.numbers[0], rows.numbers[ROWS - 1]]).toEqual([0, ROWS - 1]);
});

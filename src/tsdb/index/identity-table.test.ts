import { expect, test } from 'vitest';
import { IdentityTable } from './identity-table.ts';

const ROWS = 40_000;
const hashOf = (row: number): number => Math.imul(row, 0x9e3779b1) >>> 0;
const found = (table: IdentityTable, row: number): number =>
  table.find(hashOf(row), (other) => other === row);

test('a table finds what is left, before and after it is made smaller part by part', () => {
  const table = new IdentityTable();
  for (let row = 1; row <= ROWS; row++) table.add(hashOf(row), row);
  expect(table.tidy()).toBe(false);
  for (let row = 1; row <= ROWS - 100; row++) table.remove(hashOf(row), row);
  const check = (): void => {
    for (let row = 1; row <= ROWS - 100; row += 97) expect(found(table, row)).toBe(0);
    for (let row = ROWS - 99; row <= ROWS; row++) expect(found(table, row)).toBe(row);
  };
  check();
  let turns = 0;
  while (table.tidy()) turns++;
  expect(turns).toBe(64);
  check();
  table.add(hashOf(7), 7);
  expect(found(table, 7)).toBe(7);
});

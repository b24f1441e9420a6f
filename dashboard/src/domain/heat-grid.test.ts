import { describe, expect, it } from 'vitest';
import {
  cellAfterKey,
  cellAt,
  LARGE_CELL,
  layOutGrid,
  maxLargeCells,
  placeOf,
  SMALL_CELL,
} from './heat-grid.ts';

const PITCH = LARGE_CELL.side + LARGE_CELL.gap;

describe('layOutGrid', () => {
  it.each([
    { cells: 10, width: 4 * PITCH, columns: 4, rows: 3 },
    { cells: 10, width: 4 * PITCH - LARGE_CELL.gap, columns: 4, rows: 3 },
    { cells: 0, width: 100, columns: 6, rows: 0 },
    { cells: 3, width: 1, columns: 1, rows: 3 },
  ])('lays $cells cells out in $width px', ({ cells, width, columns, rows }) => {
    expect(layOutGrid(cells, width)).toMatchObject({ columns, rows });
  });

  it.each([50, 2_000])('is found again by a point in each cell of %d', (cells) => {
    const layout = layOutGrid(cells, 7 * PITCH);
    for (let cell = 0; cell < cells; cell++) {
      const { x, y } = placeOf(cell, layout);
      expect(cellAt(x + 1, y + 1, { ...layout, cells })).toBe(cell);
    }
  });

  it('draws many small, so that thousands leave room for the rest of a page', () => {
    expect(layOutGrid(maxLargeCells, 770)).toMatchObject(LARGE_CELL);
    expect(layOutGrid(maxLargeCells + 1, 770)).toMatchObject(SMALL_CELL);
    expect(layOutGrid(2_000, 770).height).toBeLessThan(300);
  });
});

describe('cellAt', () => {
  it.each([
    [-1, 5],
    [5, -1],
    [4 * PITCH, 5],
    [2 * PITCH, 2 * PITCH],
  ])('finds none at %d, %d', (x, y) =>
    expect(cellAt(x, y, { ...LARGE_CELL, columns: 4, cells: 10 })).toBeNull(),
  );
});

describe('cellAfterKey', () => {
  it.each([
    ['ArrowRight', 0, 1],
    ['ArrowLeft', 0, 0],
    ['ArrowDown', 1, 5],
    ['ArrowDown', 8, 8],
    ['ArrowUp', 5, 1],
    ['Home', 5, 0],
    ['End', 5, 9],
    ['Enter', 5, null],
    ['toString', 5, null],
  ])('%s leads from %d to %s', (key, from, to) =>
    expect(cellAfterKey(key, from, { columns: 4, cells: 10 })).toBe(to),
  );
});

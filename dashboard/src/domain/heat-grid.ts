/** The side of a cell and the room between two, in CSS pixels. */
export interface CellSize {
  readonly side: number;
  readonly gap: number;
}

/** Where cells of a grid are. */
export interface GridLayout extends CellSize {
  readonly columns: number;
  readonly rows: number;
  readonly height: number;
}

/** More than this are drawn small: the page is to be about more than its squares. */
export const maxLargeCells = 600;
export const LARGE_CELL: CellSize = { side: 13, gap: 3 };
export const SMALL_CELL: CellSize = { side: 8, gap: 2 };

export function layOutGrid(cells: number, width: number): GridLayout {
  const size = cells > maxLargeCells ? SMALL_CELL : LARGE_CELL;
  const pitch = size.side + size.gap;
  const columns = Math.max(1, Math.floor((width + size.gap) / pitch));
  const rows = Math.ceil(cells / columns);
  return { ...size, columns, rows, height: Math.max(0, rows * pitch - size.gap) };
}

export function placeOf(
  cell: number,
  { columns, side, gap }: GridLayout,
): { readonly x: number; readonly y: number } {
  const pitch = side + gap;
  return { x: (cell % columns) * pitch, y: Math.floor(cell / columns) * pitch };
}

/** The cell under a point, its share of the gaps included; null where there is none. */
export function cellAt(
  x: number,
  y: number,
  { columns, cells, side, gap }: Pick<GridLayout, 'columns' | 'side' | 'gap'> & { readonly cells: number },
): number | null {
  const column = Math.floor(x / (side + gap));
  const row = Math.floor(y / (side + gap));
  if (column < 0 || column >= columns || row < 0) return null;
  const cell = row * columns + column;
  return cell < cells ? cell : null;
}

/** Where a key leads from a cell; null: it is no key of the grid. */
export function cellAfterKey(
  key: string,
  from: number,
  { columns, cells }: { readonly columns: number; readonly cells: number },
): number | null {
  const steps: Readonly<Record<string, number>> = {
    ArrowRight: from + 1,
    ArrowLeft: from - 1,
    ArrowDown: from + columns,
    ArrowUp: from - columns,
    Home: 0,
    End: cells - 1,
  };
  const to = Object.hasOwn(steps, key) ? steps[key] : undefined;
  if (to === undefined) return null;
  return to < 0 || to >= cells ? from : to;
}

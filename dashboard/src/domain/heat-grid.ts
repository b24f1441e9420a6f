/** Where cells of a grid are, in CSS pixels. */
export interface GridLayout {
  readonly columns: number;
  readonly rows: number;
  readonly height: number;
}

/** The side of a cell and the room between two. */
export const CELL_PX = 13;
export const GAP_PX = 3;
const PITCH_PX = CELL_PX + GAP_PX;

export function layOutGrid(cells: number, width: number): GridLayout {
  const columns = Math.max(1, Math.floor((width + GAP_PX) / PITCH_PX));
  const rows = Math.ceil(cells / columns);
  return { columns, rows, height: Math.max(0, rows * PITCH_PX - GAP_PX) };
}

export function placeOf(cell: number, { columns }: GridLayout): { readonly x: number; readonly y: number } {
  return { x: (cell % columns) * PITCH_PX, y: Math.floor(cell / columns) * PITCH_PX };
}

/** The cell under a point, its share of the gaps included; null where there is none. */
export function cellAt(
  x: number,
  y: number,
  { columns, cells }: { readonly columns: number; readonly cells: number },
): number | null {
  const column = Math.floor(x / PITCH_PX);
  const row = Math.floor(y / PITCH_PX);
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

import { printable } from '../query/printable.ts';
import { painted, type Colour } from './colours.ts';
import { shortened, widthOf } from './width.ts';

/** A column of a table for people. Texts of others are made harmless here. */
export interface Column<Row> {
  readonly heading: string;
  readonly of: (row: Row) => string;
  /** Numbers stand right. */
  readonly align?: 'right';
  /** Explains and does not identify: it is shortened where the terminal is narrow. */
  readonly mayShrink?: boolean;
  readonly colourOf?: (row: Row) => Colour | null;
}

export interface TableStyle {
  /** Of the terminal, in cells; null: nothing is shortened. */
  readonly width: number | null;
  readonly colours: boolean;
}

const GAP = '  ';
const MIN_SHRUNK = 12;

/** Rows under headings; rows that come later keep to the columns of those before, as far as they fit. */
export class Table<Row> {
  readonly #columns: readonly Column<Row>[];
  readonly #style: TableStyle;
  #widths: readonly number[] | null = null;

  constructor(columns: readonly Column<Row>[], style: TableStyle) {
    this.#columns = columns;
    this.#style = style;
  }

  /** Lines for the terminal, the headings before the first rows. */
  linesOf(rows: readonly Row[]): readonly string[] {
    const headings = this.#columns.map(({ heading }) => heading);
    const cells = rows.map((row) => this.#columns.map(({ of }) => printable(of(row))));
    const before = this.#widths;
    const widest = headings.map((heading, column) =>
      cells.reduce(
        (width, row) => Math.max(width, widthOf(row[column] ?? '')),
        before?.[column] ?? heading.length,
      ),
    );
    this.#widths = before ?? this.#fit(widest);
    const widths = before ? this.#fit(widest) : this.#widths;
    const body = rows.map((row, at) => this.#line(cells[at] ?? [], widths, row));
    return before ? body : [this.#line(headings, widths, null), ...body];
  }

  /** Takes what is too much from the columns that may shrink, the last one first. */
  #fit(widest: readonly number[]): readonly number[] {
    const { width } = this.#style;
    if (width === null) return widest;
    const widths = [...widest];
    let over = widths.reduce((sum, one) => sum + one, GAP.length * (widths.length - 1)) - width;
    for (let column = widths.length - 1; column >= 0 && over > 0; column--) {
      if (this.#columns[column]?.mayShrink !== true) continue;
      const taken = Math.max(0, Math.min(over, (widths[column] ?? 0) - MIN_SHRUNK));
      widths[column] = (widths[column] ?? 0) - taken;
      over -= taken;
    }
    return widths;
  }

  #line(cells: readonly string[], widths: readonly number[], row: Row | null): string {
    const shown = this.#columns.map((column, at) => {
      const width = widths[at] ?? 0;
      const text = column.mayShrink ? shortened(cells[at] ?? '', width) : (cells[at] ?? '');
      const room = ' '.repeat(Math.max(0, width - widthOf(text)));
      const colour = row === null ? 'bold' : (column.colourOf?.(row) ?? null);
      const told = this.#style.colours ? painted(text, colour) : text;
      return column.align === 'right' ? room + told : told + room;
    });
    return shown.join(GAP).trimEnd();
  }
}

/** A grid of terminal cells to draw lines on; places are in dots, from the top left. */
export interface Canvas {
  /** Dots a cell has, across and down. */
  readonly dotsAcross: number;
  readonly dotsDown: number;
  /** @param pen the number of the series whose line it is */
  dot(x: number, y: number, pen: number): void;
  /** The cells of each row: a character and the pen it was drawn with; null where nothing was drawn. */
  rows(): readonly (readonly Cell[])[];
}

export type Cell = { readonly character: string; readonly pen: number } | null;

const BRAILLE_BLANK = 0x2800;
/** The bits of a braille cell's dots: two across, four down. */
const BRAILLE_BITS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;

/** Fine lines of braille dots, for one line or for pens that differ in colour. The last pen in a cell colours it. */
export function createBrailleCanvas(width: number, height: number): Canvas {
  const bits = new Uint8Array(width * height);
  const pens = new Int32Array(width * height).fill(-1);
  return {
    dotsAcross: 2,
    dotsDown: 4,
    dot(x, y, pen) {
      const at = Math.floor(y / 4) * width + Math.floor(x / 2);
      bits[at] = (bits[at] ?? 0) | (BRAILLE_BITS[y % 4]?.[x % 2] ?? 0);
      pens[at] = pen;
    },
    rows: () =>
      rowsOf(width, height, (at) => {
        const drawn = bits[at] ?? 0;
        return drawn === 0
          ? null
          : { character: String.fromCharCode(BRAILLE_BLANK + drawn), pen: pens[at] ?? 0 };
      }),
  };
}

/** One mark a cell, a mark a pen: for lines that must be told apart without colours. */
export function createMarkCanvas(width: number, height: number, marks: readonly string[]): Canvas {
  const pens = new Int32Array(width * height).fill(-1);
  return {
    dotsAcross: 1,
    dotsDown: 1,
    dot(x, y, pen) {
      pens[y * width + x] = pen;
    },
    rows: () =>
      rowsOf(width, height, (at) => {
        const pen = pens[at] ?? -1;
        return pen < 0 ? null : { character: marks[pen] ?? '?', pen };
      }),
  };
}

function rowsOf(width: number, height: number, cellAt: (at: number) => Cell): readonly (readonly Cell[])[] {
  return Array.from({ length: height }, (_row, y) =>
    Array.from({ length: width }, (_cell, x) => cellAt(y * width + x)),
  );
}

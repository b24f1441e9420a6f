import { stripVTControlCharacters } from 'node:util';
import { widthOf } from './width.ts';

/** The part of a stream that is used. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Lines that are shown again and again: on a terminal in the place of those before, elsewhere where they have changed. */
export class RedrawnLines {
  readonly #screen: Screen;
  #last: string | null = null;
  /** How many rows of the terminal they take; 0 where something else stands behind them by now. */
  #rows = 0;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  show(lines: readonly string[]): void {
    const text = `${lines.join('\n')}\n`;
    if (text === this.#last) return;
    this.#last = text;
    // Up to their first row, and all below it away (ECMA-48: CUU, ED).
    const erased = this.#rows > 0 ? `\u001b[${this.#rows}A\u001b[J` : '';
    this.#screen.write(erased + text);
    this.#rows = this.#screen.isTTY === true ? lines.reduce((rows, line) => rows + this.#rowsOf(line), 0) : 0;
  }

  /** Something else was written: what comes next stands below it. */
  keep(): void {
    this.#rows = 0;
  }

  #rowsOf(line: string): number {
    // A terminal that does not know its width says 0.
    const width = widthOf(stripVTControlCharacters(line));
    return Math.max(1, Math.ceil(width / (this.#screen.columns || Infinity)));
  }
}

import { aside } from './aside.ts';
import { wantsColours } from './colours.ts';
import { Table, type Column, type TableStyle } from './table.ts';

/** A terminal that does not know its width says 0. */
function styleOf(stream: NodeJS.WriteStream): TableStyle {
  return { width: stream.isTTY ? stream.columns || null : null, colours: wantsColours(stream) };
}

export function printLines(lines: readonly string[]): void {
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
}

export function printJson(answer: unknown): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

export function tableFor<Row>(columns: readonly Column<Row>[]): Table<Row> {
  return new Table(columns, styleOf(process.stdout));
}

/** What is no answer, but has to be known with it: apart from what a pipe reads. */
export function note(text: string): void {
  aside(`omoi: ${text}`);
}

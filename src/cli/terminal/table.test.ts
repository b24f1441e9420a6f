import { describe, expect, it } from 'vitest';
import { painted } from './colours.ts';
import { Table, type Column } from './table.ts';

interface Row {
  readonly id: string;
  readonly count: number;
  readonly why: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { heading: 'AGENT', of: ({ id }) => id, colourOf: () => 'green' },
  { heading: 'N', of: ({ count }) => String(count), align: 'right' },
  { heading: 'WHY', of: ({ why }) => why, mayShrink: true },
];
const table = (width: number | null, colours = false) => new Table(COLUMNS, { width, colours });
const row = (id: string, count: number, why: string): Row => ({ id, count, why });

describe('a table', () => {
  it('has columns as wide as what stands in them', () => {
    expect(table(null).linesOf([row('w-1', 7, 'idle'), row('worker-22', 12, '')])).toEqual([
      'AGENT       N  WHY',
      'w-1         7  idle',
      'worker-22  12',
    ]);
  });

  it('fits a narrow terminal by what explains, never by what identifies', () => {
    const id = 'an-agent-with-a-long-name';
    const [, line = ''] = table(48).linesOf([row(id, 1, 'a reason that goes on and on')]);
    expect(line).toBe(`${id}  1  a reason that goe…`);
    const [, tiny = ''] = table(20).linesOf([row(id, 1, 'a reason that goes on and on')]);
    expect(tiny).toBe(`${id}  1  a reason th…`);
  });

  it('keeps its columns for rows that come later, as far as they fit', () => {
    const one = table(null);
    one.linesOf([row('worker-22', 7, 'idle')]);
    expect(one.linesOf([row('w-1', 7, 'busy')])).toEqual(['w-1        7  busy']);
    expect(one.linesOf([row('a-much-longer-worker', 7, 'busy')])).toEqual(['a-much-longer-worker  7  busy']);
  });

  it('shows what an agent says, and lets none of it act on the terminal', () => {
    const [, line] = table(null).linesOf([row('w-1', 1, 'bad \u001b[2J\u0007\nnext')]);
    expect(line).toBe('w-1    1  bad \\u001b[2J\\u0007\\nnext');
  });

  it('counts cells, not characters', () => {
    const lines = table(null).linesOf([row('日本', 1, 'x'), row('ab', 1, 'x')]);
    expect(lines.slice(1)).toEqual(['日本   1  x', 'ab     1  x']);
  });

  it('paints a cell without moving the next one', () => {
    const lines = table(null, true).linesOf([row('w-1', 1, 'x')]);
    expect(lines[1]).toBe(`${painted('w-1', 'green')}    1  x`);
  });
});

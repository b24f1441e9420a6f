import { expect, it } from 'vitest';
import { painted } from './colours.ts';
import { RedrawnLines } from './redrawn-lines.ts';

function screen(form: { readonly isTTY?: boolean; readonly columns?: number }) {
  const written: string[] = [];
  return { ...form, written, write: (text: string) => written.push(text) };
}

it('stand on a terminal in the place of those before, however many rows these took', () => {
  const terminal = screen({ isTTY: true, columns: 10 });
  const lines = new RedrawnLines(terminal);
  lines.show(['one', painted('x'.repeat(21), 'red'), '']);
  lines.show(['two']);
  lines.show(['two']);
  lines.show(['three']);
  expect(terminal.written).toEqual([
    `one\n${painted('x'.repeat(21), 'red')}\n\n`,
    '\u001b[5A\u001b[Jtwo\n',
    '\u001b[1A\u001b[Jthree\n',
  ]);
});

it('are left where they are when something else was written', () => {
  const terminal = screen({ isTTY: true, columns: 0 });
  const lines = new RedrawnLines(terminal);
  lines.show(['one']);
  lines.keep();
  lines.show(['one']);
  lines.show(['two']);
  lines.show(['three']);
  expect(terminal.written).toEqual(['one\n', 'two\n', '\u001b[1A\u001b[Jthree\n']);
});

it('are written to a pipe each time that they have changed, and nothing else is', () => {
  const pipe = screen({});
  const lines = new RedrawnLines(pipe);
  for (const line of ['one', 'one', 'two']) lines.show([line]);
  expect(pipe.written).toEqual(['one\n', 'two\n']);
});

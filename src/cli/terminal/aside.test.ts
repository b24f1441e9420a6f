import { afterEach, expect, it, vi } from 'vitest';
import { createProgram } from '../program.ts';
import { note } from './print.ts';

const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
afterEach(() => write.mockClear());

const ODD = '\u001b]0;owned\u0007\u009b31m\rred';
const SHOWN = String.raw`\u001b]0;owned\u0007\u009b31m\rred`;

it('what is said beside the output does nothing to a terminal, whoever is quoted; ends of lines stay', () => {
  note(`there is no ${ODD}\n  a page`);
  expect(write.mock.calls).toEqual([[`omoi: there is no ${SHOWN}\n  a page\n`]]);
});

it.each([
  ['an argument', ['on-call', 'show', ODD]],
  ['a command', [ODD]],
  ['a command below another', ['agents', ODD]],
])('neither does %s that is wrong', async (_, args) => {
  await expect(createProgram('0.0.0').parseAsync(args, { from: 'user' })).rejects.toThrow(Error);
  const said = write.mock.calls.map(([text]) => String(text)).join('');
  expect(said).toContain(SHOWN);
  expect(said.endsWith('\n')).toBe(true);
  expect(said).not.toContain('\u001b');
});

import { expect, it } from 'vitest';
import { TerminalModes } from './terminal-modes.ts';

const resetAfter = (...chunks: readonly string[]): string => {
  const modes = new TerminalModes();
  for (const chunk of chunks) modes.see(Buffer.from(chunk));
  return modes.reset;
};

it.each<[string, readonly string[], string]>([
  ['plain output', ['hello\n', '\x1b[31mred\x1b[0m'], ''],
  ['the alternate screen', ['\x1b[?1049h'], '\x1b[?1049l'],
  ['a hidden cursor', ['\x1b[?25l'], '\x1b[?25h'],
  ['what was taken back', ['\x1b[?1049h\x1b[?25l', 'work', '\x1b[?25h\x1b[?1049l'], ''],
  ['several modes in one sequence, the last first', ['\x1b[?1000;1006h'], '\x1b[?1006l\x1b[?1000l'],
  ['a sequence that is cut in two', ['text\x1b[?10', '49h'], '\x1b[?1049l'],
  ['one that is cut byte by byte', '\x1b[?2004h'.split(''), '\x1b[?2004l'],
  ['the keypad', ['\x1b='], '\x1b>'],
  ['keys that are told apart', ['\x1b[>1u\x1b[>1u\x1b[<u'], '\x1b[<1u'],
  ['a mode of no consequence', ['\x1b[?12h\x1b[?4;3l'], ''],
  ['an escape that leads nowhere', ['\x1b', 'x'.repeat(100), '[?25l'], ''],
])('after %s', (_what, chunks, reset) => {
  expect(resetAfter(...chunks)).toBe(reset);
});

it('is well with bytes that are no text', () => {
  const modes = new TerminalModes();
  for (let byte = 0; byte < 256; byte++) modes.see(Buffer.from([byte, 0x1b, byte]));
  expect(modes.reset).toBe('');
});

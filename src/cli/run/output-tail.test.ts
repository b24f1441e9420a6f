import { expect, it } from 'vitest';
import { OutputTail } from './output-tail.ts';

const tailOf = (maxBytes: number, ...chunks: readonly string[]): string => {
  const tail = new OutputTail(maxBytes);
  for (const chunk of chunks) tail.add(Buffer.from(chunk));
  return tail.text;
};

it.each<[string, number, readonly string[], string]>([
  ['nothing', 10, [], ''],
  ['all that is short', 10, ['one\n', 'two\n'], 'one\ntwo'],
  ['the end of what is long', 10, ['0123456789abcdef'], '6789abcdef'],
  ['the end of many chunks', 4, 'abcdefghijklmnopqrstuvwxyz'.split(''), 'wxyz'],
  ['the end of a long chunk behind short ones', 4, ['ab', 'cdefghijkl'], 'ijkl'],
  ['text without colours and cursors', 100, ['\x1b[31mred\x1b[0m\r\nnext\x1b[K\r\n'], 'red\nnext'],
  [
    'the last lines',
    1000,
    [Array.from({ length: 60 }, (_, line) => `${line}`).join('\n')],
    Array.from({ length: 40 }, (_, line) => `${line + 20}`).join('\n'),
  ],
])('keeps %s', (_what, maxBytes, chunks, text) => {
  expect(tailOf(maxBytes, ...chunks)).toBe(text);
});

it('is text where the output was none', () => {
  const tail = new OutputTail(100);
  tail.add(Uint8Array.from({ length: 300 }, (_, at) => at % 256));
  expect(tail.text.isWellFormed()).toBe(true);
});

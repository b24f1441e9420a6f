import { describe, expect, it } from 'vitest';
import { appendOutput, countLines, maxShownLines, NO_OUTPUT, plainText } from './output-text.ts';

const piece = (text: string, skipped = false) => ({ text, skipped });

describe('appendOutput', () => {
  it('joins what came to what is shown, also within a line', () => {
    const shown = appendOutput(piece('one\ntw'), piece('o\n'));
    expect(shown).toEqual({ text: 'one\ntwo\n', skipped: false });
  });

  it('is the same where nothing came', () => {
    const shown = piece('one\n');
    expect(appendOutput(shown, NO_OUTPUT)).toBe(shown);
  });

  it('says where something between was left out', () => {
    expect(appendOutput(piece('one\n'), piece('nine\n', true)).text).toBe('one\n\n…\nnine\n');
    expect(appendOutput(NO_OUTPUT, piece('nine\n', true))).toEqual({ text: 'nine\n', skipped: true });
  });

  it('keeps the last lines alone', () => {
    const many = Array.from({ length: maxShownLines + 5 }, (_, at) => `line ${at}\n`).join('');
    const { text, skipped } = appendOutput(NO_OUTPUT, piece(many));
    expect(countLines(text)).toBe(maxShownLines);
    expect(text.startsWith('line 5\n')).toBe(true);
    expect(skipped).toBe(true);
  });

  it('is bounded where no line ends', () => {
    const { text, skipped } = appendOutput(NO_OUTPUT, piece('x'.repeat(2_000_000)));
    expect(text.length).toBe(300_000);
    expect(skipped).toBe(true);
  });
});

describe('countLines', () => {
  it.each([
    ['', 0],
    ['a', 1],
    ['a\n', 1],
    ['a\nb', 2],
  ])('%j has %d', (text, lines) => expect(countLines(text)).toBe(lines));
});

describe('plainText', () => {
  it.each([
    ['\u001b[1;31mred\u001b[0m text', 'red text'],
    ['\u001b]8;;https://example.com\u0007link\u001b]8;;\u0007', 'link'],
    ['10%\r20%\r\n', '10%\n20%\n'],
    ['a\tb\u0000\u0008c', 'a\tbc'],
    ['\u001b(B plain', ' plain'],
    ['\u001b', ''],
  ])('%j reads %j', (output, text) => expect(plainText(output)).toBe(text));
});

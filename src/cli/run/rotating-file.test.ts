import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RotatingFile } from './rotating-file.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'omoi-rotating-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const contents = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory)
      .sort()
      .map((file) => [file, readFileSync(join(directory, file), 'utf8')]),
  );

it.each<[string, number, string[], Record<string, string>]>([
  ['keeps what fits in one file', 2, ['one', 'two'], { out: 'onetwo' }],
  ['begins a new file when one is full', 2, ['12345', '67890', 'x'], { out: 'x', 'out.1': '1234567890' }],
  ['drops the oldest', 1, ['1234567890', 'abcdefghij', 'x'], { out: 'x', 'out.1': 'abcdefghij' }],
  ['keeps none', 0, ['1234567890', 'x'], { out: 'x' }],
  [
    'writes whole what is larger than a file',
    2,
    ['x', '1234567890abc'],
    { out: '1234567890abc', 'out.1': 'x' },
  ],
])('%s', (_, keptFiles, chunks, expected) => {
  const file = new RotatingFile(join(directory, 'out'), { maxBytes: 10, keptFiles });
  for (const chunk of chunks) file.write(Buffer.from(chunk));
  file.close();
  expect(contents()).toEqual(expected);
});

it('goes on where an earlier run ended', () => {
  const limits = { maxBytes: 10, keptFiles: 1 };
  const first = new RotatingFile(join(directory, 'out'), limits);
  first.write(Buffer.from('12345678'));
  first.close();
  const second = new RotatingFile(join(directory, 'out'), limits);
  second.write(Buffer.from('abc'));
  second.close();
  expect(contents()).toEqual({ out: 'abc', 'out.1': '12345678' });
});

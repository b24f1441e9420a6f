import { expect, it } from 'vitest';
import type { LogFile } from './log-directory.ts';
import { cutsFor } from './output-quota.ts';

const FILES: Readonly<Record<string, readonly [size: number, changedAtMs: number]>> = {
  'a/1.stdout.log': [4, 10],
  'a/1.stdout.log.1': [20, 9],
  'a/1.stdout.log.2': [20, 8],
  'a/2.stderr.log': [30, 20],
  'b/1.stdout.log': [0, 7],
  'b/1.stdout.log.1': [6, 6],
  'b/1.stdout.log.2': [20, 5],
};

function files(): readonly LogFile[] {
  return Object.entries(FILES).map(([path, [size, changedAtMs]]) => ({
    path,
    generation: Number(/(\d+)\.std/.exec(path)?.[1]),
    copy: Number(/log\.(\d)$/.exec(path)?.[1] ?? 0),
    size,
    blocks: 8,
    changedAtMs,
  }));
}

it.each<readonly [maxBytes: number, tailBytes: number, left: Readonly<Record<string, number>>]>([
  [100, 10, {}],
  [99, 10, { 'b/1.stdout.log.2': 4 }],
  [80, 10, { 'b/1.stdout.log.2': 4, 'a/1.stdout.log.2': 0 }],
  // Its own newest bytes are in the growing file and the newest copy: 4 and 6; the 6 of `b` are all its.
  [60, 10, { 'b/1.stdout.log.2': 4, 'a/1.stdout.log.2': 0, 'a/1.stdout.log.1': 6 }],
  // Nothing more can go: 10 bytes of each of the three streams.
  [1, 10, { 'b/1.stdout.log.2': 4, 'a/1.stdout.log.2': 0, 'a/1.stdout.log.1': 6, 'a/2.stderr.log': 10 }],
  [
    1,
    0,
    {
      'b/1.stdout.log.2': 0,
      'b/1.stdout.log.1': 0,
      'a/1.stdout.log.2': 0,
      'a/1.stdout.log.1': 0,
      'a/1.stdout.log': 0,
      'a/2.stderr.log': 0,
    },
  ],
])('a quota of %i bytes, with %i of each stream whatever it is, leaves of the files', (max, tail, left) => {
  const cuts = cutsFor(files(), max, tail);
  expect(Object.fromEntries(cuts.map(({ file, keptBytes }) => [file.path, keptBytes]))).toEqual(left);
});

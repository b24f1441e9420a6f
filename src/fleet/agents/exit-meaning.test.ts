import { expect, test } from 'vitest';
import { meaningOfExit, type ExitFacts } from './exit-meaning.ts';

const unseen: ExitFacts = { exitCode: null, signal: null, asked: null, once: false };

test.each<[string, Partial<ExitFacts>, string]>([
  ['a worker that crashes', { exitCode: 1 }, 'FAILED exit 1'],
  ['a worker that ends although it is to run for ever', { exitCode: 0 }, 'FAILED exit 0'],
  ['a worker that is killed', { signal: 'SIGKILL' }, 'FAILED SIGKILL'],
  [
    'one that the kernel ended',
    { signal: 'SIGKILL', outOfMemory: true },
    'FAILED SIGKILL (most likely out of memory)',
  ],
  [
    'the same, in a shell’s words',
    { exitCode: 137, outOfMemory: true },
    'FAILED exit 137 (most likely out of memory)',
  ],
  ['a worker that breaks a rule of memory', { signal: 'SIGSEGV' }, 'FAILED SIGSEGV'],
  ['a worker whose end nobody saw', {}, 'FAILED exit unknown'],
  ['a one-shot that is done', { exitCode: 0, once: true }, 'TERMINATED finished'],
  ['a one-shot that fails', { exitCode: 14, once: true }, 'FAILED exit 14'],
  ['Ctrl-C', { signal: 'SIGINT', once: true }, 'TERMINATED SIGINT'],
  ['Ctrl-C, in a shell’s words', { exitCode: 130, once: true }, 'TERMINATED exit 130'],
  ['kill', { signal: 'SIGTERM' }, 'TERMINATED SIGTERM'],
  ['kill, in a shell’s words', { exitCode: 143 }, 'TERMINATED exit 143'],
  ['a terminal that is closed', { signal: 'SIGHUP', once: true }, 'TERMINATED SIGHUP'],
  ['kill -9, in a shell’s words', { exitCode: 137 }, 'FAILED exit 137'],
  ['a person’s stop', { exitCode: 1, asked: 'stopped by ann' }, 'TERMINATED stopped by ann'],
  [
    'a person’s stop that had to be forced',
    { signal: 'SIGKILL', asked: 'stopped by ann' },
    'TERMINATED stopped by ann',
  ],
])('%s', (_, facts, expected) => {
  const { status, reason } = meaningOfExit({ ...unseen, ...facts });
  expect(`${status} ${reason}`).toBe(expected);
});

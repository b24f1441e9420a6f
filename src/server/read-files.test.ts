import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSystemClock, OmoiError, VirtualClock } from '#telemetry';
import { ReadFiles } from './read-files.ts';
import type { FileSignature } from './file-signatures.ts';

let folder: string;
const at = (name: string): string => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'omoi-read-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('which files have changed since they were read', () => {
  const changedAfter = async (path: string, change: () => void): Promise<readonly string[]> => {
    const files = new ReadFiles({ clock: createSystemClock() });
    await files.read([path], () => null);
    expect(await files.changedOf([path])).toEqual(new Map());
    change();
    return [...(await files.changedOf([path])).keys()];
  };

  it.each<[string, () => string, () => void]>([
    ['one that was written anew', () => at('a.yml'), () => writeFileSync(at('a.yml'), 'b')],
    [
      'one that was written with its old size and time',
      () => at('a.yml'),
      () => {
        writeFileSync(at('a.yml'), 'b');
        utimesSync(at('a.yml'), 1, 1);
      },
    ],
    [
      'one that was replaced by another',
      () => at('a.yml'),
      () => {
        writeFileSync(at('next'), 'a');
        renameSync(at('next'), at('a.yml'));
      },
    ],
    ['one that has gone', () => at('a.yml'), () => rmSync(at('a.yml'))],
    ['one that has come', () => at('later.yml'), () => writeFileSync(at('later.yml'), 'a')],
    ['a folder with a file more', () => folder, () => writeFileSync(at('c.yaml'), 'c')],
    ['a folder in which a file was written', () => folder, () => appendFileSync(at('a.yml'), 'b')],
    [
      'a folder whose link leads elsewhere',
      () => join(at('now'), 'rules'),
      () => {
        symlinkSync('second', at('next'));
        renameSync(at('next'), at('now'));
      },
    ],
  ])('%s', async (_what, path, change) => {
    writeFileSync(at('a.yml'), 'a');
    for (const name of ['first', 'second']) {
      mkdirSync(at(name));
      mkdirSync(join(at(name), 'rules'));
      writeFileSync(join(at(name), 'rules/a.yml'), 'same');
    }
    symlinkSync('first', at('now'));
    expect(await changedAfter(path(), change)).toEqual([path()]);
  });

  it('not those that are no rule files of the folder, nor what nobody has touched', async () => {
    writeFileSync(at('a.yml'), 'a');
    expect(await changedAfter(folder, () => writeFileSync(at('notes.txt'), 'x'))).toEqual([]);
  });
});

describe('reading', () => {
  /** A file that is written in several pieces: each look at it may find another state. */
  function stage(states: readonly string[], writtenMs = 0) {
    const clock = new VirtualClock();
    let looks = 0;
    const look = (): Promise<FileSignature> =>
      Promise.resolve({ text: states[Math.min(looks++, states.length - 1)] ?? '', writtenMs });
    const files = new ReadFiles({ clock, look });
    const outcome = (reads: string[], fails = false): Promise<unknown> =>
      files
        .read(['rules.yml'], () => {
          reads.push(`at ${clock.monotonicMs()}`);
          if (fails) throw new Error('a torn file');
          return reads.length;
        })
        .catch((thrown: unknown) => thrown);
    return { clock, files, outcome };
  }

  it('is done again where the file changed meanwhile, also where what was read made no sense', async () => {
    const { clock, outcome, files } = stage(['a', 'b', 'b', 'c', 'c', 'c']);
    const reads: string[] = [];
    const read = outcome(reads);
    await clock.advance(1000);
    expect([await read, reads.length]).toEqual([3, 3]);
    expect(await files.changedOf(['rules.yml'])).toEqual(new Map());

    const torn = stage(['a', 'b', 'b', 'b']);
    const tornReads: string[] = [];
    const failing = torn.outcome(tornReads, true);
    await torn.clock.advance(1000);
    expect([await failing, tornReads.length]).toEqual([new Error('a torn file'), 2]);
  });

  it('ends with a coded error where it changes on and on', async () => {
    const { clock, outcome } = stage(Array.from({ length: 40 }, (_, index) => String(index)));
    const reads: string[] = [];
    const read = outcome(reads);
    await clock.advance(5000);
    const thrown = await read;
    expect(thrown).toBeInstanceOf(OmoiError);
    expect(thrown).toMatchObject({ code: 'files_changing', message: expect.stringContaining('rules.yml') });
    expect(reads).toHaveLength(5);
  });

  it('waits for the next tick of the file system’s clock where the file was written just now', async () => {
    const { clock, outcome } = stage(['a'], new VirtualClock().wallMs() - 5);
    const reads: string[] = [];
    const read = outcome(reads);
    await clock.advance(14);
    expect(reads).toEqual([]);
    await clock.advance(1);
    expect([await read, reads.length]).toEqual([1, 1]);
  });
});

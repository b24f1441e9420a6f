import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogFiles } from './log-files.ts';

let directory: string;
const LIMITS = { maxLogBytes: 10, keptCopies: 2, keptGenerations: 2 };

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'omoi-logs-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const files = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(join(directory, 'coders-1'))
      .sort()
      .map((file) => [file, readFileSync(join(directory, 'coders-1', file), 'utf8')]),
  );

describe('the log files of agents', () => {
  it('are open for appending: a writer goes on where it was truncated', async () => {
    const logs = new LogFiles(directory, LIMITS);
    const output = logs.open('coders-1', 1);
    writeSync(output.stdout, 'first, too long\n');
    await logs.tidy();
    writeSync(output.stdout, 'second\n');
    expect(files()).toEqual({
      '1.stderr.log': '',
      '1.stdout.log': 'second\n',
      '1.stdout.log.1': 'first, too long\n',
    });
    output.close();
  });

  it('keep so many copies and no more, and leave alone what is small', async () => {
    const logs = new LogFiles(directory, LIMITS);
    logs.open('coders-1', 1).close();
    for (const text of ['1st is too long', '2nd is too long', '3rd is too long', 'small']) {
      appendFileSync(join(directory, 'coders-1', '1.stderr.log'), text);
      await logs.tidy();
    }
    expect(files()).toEqual({
      '1.stderr.log': 'small',
      '1.stderr.log.1': '3rd is too long',
      '1.stderr.log.2': '2nd is too long',
      '1.stdout.log': '',
    });
  });

  it('of old generations go', async () => {
    const logs = new LogFiles(directory, LIMITS);
    for (const generation of [1, 2, 9, 10]) logs.open('coders-1', generation).close();
    await logs.tidy();
    expect(Object.keys(files()).sort()).toEqual([
      '10.stderr.log',
      '10.stdout.log',
      '9.stderr.log',
      '9.stdout.log',
    ]);
  });

  it('are nobody else’s to read, and their directory need not be there', async () => {
    const logs = new LogFiles(join(directory, 'not', 'yet'), LIMITS);
    await logs.tidy();
    logs.open('coders-1', 1).close();
    expect(statSync(join(directory, 'not/yet/coders-1/1.stdout.log')).mode & 0o077).toBe(0);
  });
});

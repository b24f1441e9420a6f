import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { replaceFile } from './replaced-file.ts';

describe('a file that is replaced', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'omoi-test-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('has the mode that it had, whatever the umask takes from new files', async () => {
    const path = join(folder, 'rules.yml');
    writeFileSync(path, 'before');
    chmodSync(path, 0o666);
    await replaceFile(path, 'after');
    expect(readFileSync(path, 'utf8')).toBe('after');
    expect(statSync(path).mode & 0o7777).toBe(0o666);
  });

  it('is the one that a link leads to', async () => {
    const path = join(folder, 'rules.yml');
    writeFileSync(path, 'before');
    symlinkSync('rules.yml', join(folder, 'link.yml'));
    await replaceFile(join(folder, 'link.yml'), 'after');
    expect(lstatSync(join(folder, 'link.yml')).isSymbolicLink()).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe('after');
  });

  it('leaves nothing behind where it is not there', async () => {
    await expect(replaceFile(join(folder, 'none.yml'), 'after')).rejects.toThrow('ENOENT');
    expect(readdirSync(folder)).toEqual([]);
  });
});

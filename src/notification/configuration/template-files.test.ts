import { describe, expect, it } from 'vitest';
import { BadPattern, maxTemplateFiles, templateFiles, type ConfigurationFiles } from './template-files.ts';

const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  '/': ['etc', 'opt'],
  '/etc': ['am', 'am2'],
  '/etc/am': ['b.tmpl', 'a.tmpl', 'c.txt', 'x-y.tmpl', '[z].tmpl'],
  '/etc/am2': ['d.tmpl'],
};

const FILES: ConfigurationFiles = {
  list: (folder) => Promise.resolve(FOLDERS[folder] ?? []),
  read: (path) => Promise.resolve(`text of ${path}`),
};

describe('a pattern names files', () => {
  it.each([
    ['/etc/am/a.tmpl', ['/etc/am/a.tmpl']],
    ['/etc/am/*.tmpl', ['/etc/am/[z].tmpl', '/etc/am/a.tmpl', '/etc/am/b.tmpl', '/etc/am/x-y.tmpl']],
    ['/etc/*/?.tmpl', ['/etc/am/a.tmpl', '/etc/am/b.tmpl', '/etc/am2/d.tmpl']],
    ['/etc/am/[a-b].tmpl', ['/etc/am/a.tmpl', '/etc/am/b.tmpl']],
    ['/etc/am/[^a].tmpl', ['/etc/am/b.tmpl']],
    ['/etc/am/\\[z\\].tmpl', ['/etc/am/[z].tmpl']],
    ['/etc/am/x-y.tmp.', []],
    ['/etc/nothing/*', []],
    ['/etc/am/**/a.tmpl', []],
  ])('%s', async (pattern, expected) => {
    const found = await templateFiles(pattern, FILES);
    expect(found.map(({ name }) => name)).toEqual(expected);
    expect(found.every(({ name, text }) => text === `text of ${name}`)).toBe(true);
  });

  it.each(['/etc/am/[a', '/etc/am/x\\'])('or is none: %s', async (pattern) => {
    await expect(templateFiles(pattern, FILES)).rejects.toThrow(BadPattern);
  });

  it('at most so many', async () => {
    const many = (count: number): ConfigurationFiles => ({
      list: () => Promise.resolve(Array.from({ length: count }, (_, at) => `${at}.tmpl`)),
      read: () => Promise.resolve(''),
    });
    expect(await templateFiles('/*.tmpl', many(maxTemplateFiles))).toHaveLength(maxTemplateFiles);
    await expect(templateFiles('/*.tmpl', many(maxTemplateFiles + 1))).rejects.toThrow(/names 1001 files/);
  });
});

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nextTurn } from '#telemetry';
import { readDocuments } from './files.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'omoi-files-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);
const read = (): Promise<unknown> => readDocuments([folder], 'rule_file_invalid');

describe('the files of rules and policies', () => {
  it('are all YAML files of a folder by name, and files that are named themselves', async () => {
    writeFileSync(at('b.yaml'), 'b: 1');
    writeFileSync(at('a.yml'), 'a: ä');
    writeFileSync(at('notes.txt'), 'no');
    expect(await readDocuments([folder, at('b.yaml')], 'rule_file_invalid')).toEqual([
      { name: at('a.yml'), text: 'a: ä' },
      { name: at('b.yaml'), text: 'b: 1' },
      { name: at('b.yaml'), text: 'b: 1' },
    ]);
  });

  it('are read a few in a turn, where there are many', async () => {
    for (let count = 0; count < 300; count++) writeFileSync(at(`${count}.yaml`), 'a: 1');
    const state = { isDone: false, turns: 0 };
    const reading = readDocuments([folder], 'policy_file_invalid').finally(() => {
      state.isDone = true;
    });
    for (; !state.isDone; state.turns++) await nextTurn();
    expect(await reading).toHaveLength(300);
    expect(state.turns).toBeGreaterThanOrEqual(4);
  });

  it.each([
    ['a folder', (path: string) => mkdirSync(path), /no regular file/],
    ['a device without an end', (path: string) => symlinkSync('/dev/zero', path), /no regular file/],
    ['a pipe that nobody writes', (path: string) => execFileSync('mkfifo', [path]), /no regular file/],
    ['a link to itself', (path: string) => symlinkSync(path, path), /ELOOP/],
    ['a link to nothing', (path: string) => symlinkSync(`${path}.gone`, path), /ENOENT/],
    ['a file too large', (path: string) => tooLarge(path), /16777217 bytes/],
  ])('refuse %s and name it', async (_, make, why) => {
    make(at('x.yaml'));
    await expect(read()).rejects.toThrow(why);
    await expect(read()).rejects.toThrow(`${at('x.yaml')}: `);
    await expect(read()).rejects.toMatchObject({ code: 'rule_file_invalid' });
  });
});

it('a relative path that cannot be read is named with the place where it was looked for', async () => {
  await expect(readDocuments(['no-such-rules'], 'rule_file_invalid')).rejects.toThrow(
    `no-such-rules (${join(process.cwd(), 'no-such-rules')}): `,
  );
});

function tooLarge(path: string): void {
  writeFileSync(path, '');
  truncateSync(path, 16_777_217);
}

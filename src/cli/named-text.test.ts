import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadExperiment } from './gameday/experiment.ts';
import { readNamedText } from './named-text.ts';
import { readPayload } from './nouns/tasks.ts';
import { readRoutingFile } from './routing/routing-file.ts';
import { missingInterpreter } from './run/missing-interpreter.ts';

let folder = '';
let path = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'omoi-named-'));
  path = join(folder, 'named.yaml');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What commands do with a file that a person names. */
const READERS: readonly (readonly [string, () => unknown])[] = [
  ['a text', () => readNamedText(path)],
  ['omoi routing check FILE', () => readRoutingFile(path)],
  ['omoi gameday run FILE', () => loadExperiment(path)],
  ['omoi tasks enqueue --payload @FILE', () => readPayload(`@${path}`)],
  ['a template of a routing file', () => readTemplates()],
];

async function readTemplates(): Promise<unknown> {
  const routing = join(folder, 'alertmanager.yml');
  writeFileSync(
    routing,
    `route: { receiver: r }\nreceivers: [{ name: r }]\ntemplates: [${JSON.stringify(path)}]\n`,
  );
  return readRoutingFile(routing);
}

const isRoot = process.getuid?.() === 0;
const makeUnreadable = (): void => {
  writeFileSync(path, 'x');
  chmodSync(path, 0);
};

describe.each(READERS)('%s', (_, read) => {
  it.each([
    ['a pipe that nobody writes', () => execFileSync('mkfifo', [path]), /no regular file/],
    ['a device without an end', () => symlinkSync('/dev/zero', path), /no regular file/],
    ['a directory', () => mkdirSync(path), /directory/],
    ['what is too large', () => truncateSync((writeFileSync(path, ''), path), 16_777_217), /16777217 bytes/],
  ])('is not read from %s', async (_what, make, why) => {
    make();
    await expect((async () => read())()).rejects.toThrow(why);
  });

  // Whoever is root may read everything.
  it.skipIf(isRoot)('is not read from what may not be read', async () => {
    makeUnreadable();
    await expect((async () => read())()).rejects.toThrow(/EACCES/);
  });
});

// A name of templates is a pattern, which nothing has to match.
it.each(READERS.slice(0, -1))('%s is not read from what is not there', async (_, read) => {
  await expect((async () => read())()).rejects.toThrow(/ENOENT/);
});

it('what is piped in is read whole, up to as much as of a file', async () => {
  async function* chunks(count: number) {
    for (let at = 0; at < count; at++) yield Buffer.alloc(65_536, 'x');
  }
  expect(await readNamedText('-', chunks(2))).toBe('x'.repeat(131_072));
  expect(await readNamedText('-', chunks(256))).toHaveLength(16_777_216);
  await expect(readNamedText('-', chunks(Number.POSITIVE_INFINITY))).rejects.toThrow(
    'more than 16777216 bytes are piped in',
  );
  // A letter may lie in two chunks.
  const [first, second] = [Buffer.from('ä').subarray(0, 1), Buffer.from('ä').subarray(1)];
  async function* halves() {
    yield first;
    yield second;
  }
  expect(await readNamedText('-', halves())).toBe('ä');
});

it('the interpreter of a program that is a pipe is not waited for', () => {
  execFileSync('mkfifo', [path]);
  expect(missingInterpreter(path)).toBeNull();
});

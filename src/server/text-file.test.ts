import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultConfiguration } from '#notification';
import { createSeededRandom, VirtualClock } from '#telemetry';
import { loadConfig } from './config/load.ts';
import { createReceiverNetwork, machineFiles } from './receiver-network.ts';
import { readTextFile, readTextFileLater } from './text-file.ts';

let folder = '';
let path = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'omoi-text-'));
  path = join(folder, 'x');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Whoever reads a file that a person named while the server starts, reloads or sends. */
const READERS: readonly (readonly [string, () => unknown])[] = [
  ['a text', () => readTextFile(path)],
  ['a text, later', () => readTextFileLater(path)],
  ['the configuration', () => loadConfig({ file: path, environment: {} })],
  ['the address of the database', () => loadConfig(fromEnvironment({ OMOI_DATABASE_URL_FILE: path }))],
  ['routing and templates', () => machineFiles.read(path)],
  ['a secret of a receiver', () => readSecret()],
];

const fromEnvironment = (environment: Record<string, string>) => ({ file: '/dev/null', environment });

async function readSecret(): Promise<string> {
  const network = createReceiverNetwork({
    clock: new VirtualClock(),
    random: createSeededRandom(1),
    environment: {},
    version: '0',
  });
  return network.toolsOf(await defaultConfiguration()).readSecret(path);
}

describe.each(READERS)('%s', (_, read) => {
  it.each([
    ['a pipe that nobody writes', () => execFileSync('mkfifo', [path]), /no regular file/],
    ['a device without an end', () => symlinkSync('/dev/zero', path), /no regular file/],
    ['a directory', () => mkdirSync(path), /directory/],
    ['a link to itself', () => symlinkSync(path, path), /ELOOP/],
    ['what is too large', () => truncateSync((writeFileSync(path, ''), path), 16_777_217), /16777217 bytes/],
  ])('is not read from %s', async (_what, make, why) => {
    make();
    await expect((async () => read())()).rejects.toThrow(why);
  });
});

it.each([
  ['at once', readTextFile],
  ['later', readTextFileLater],
])('a text is read whole, %s', async (_, read) => {
  writeFileSync(path, 'ä'.repeat(100_000));
  expect(await read(path)).toBe('ä'.repeat(100_000));
  await expect((async () => read(path, 199_999))()).rejects.toThrow('200000 bytes');
  expect(await read(path, 200_000)).toHaveLength(100_000);
  writeFileSync(path, '');
  expect(await read(path)).toBe('');
  expect(await read('/dev/null')).toBe('');
  expect(await read('/proc/self/status')).toMatch(/^Name:/);
});

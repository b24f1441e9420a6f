import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareOwnerSocket, removeAbandonedSocket } from './owner-socket.ts';

let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'o-'));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function directory(name: string, mode = 0o700): string {
  const path = join(root, name);
  mkdirSync(path, { recursive: true });
  chmodSync(path, mode);
  return path;
}

describe('the owner’s socket', () => {
  it('stands in a data directory that is the owner’s alone', () => {
    const data = directory('data');
    expect(prepareOwnerSocket({ dataDirectory: data }).path).toBe(join(data, 'omoi.sock'));
  });

  it.each([
    ['too long a path', 'd'.repeat(120), 0o700],
    ['a directory that others may write to', 'shared', 0o777],
    ['a directory that the group may write to', 'group', 0o770],
  ])('stands, for %s, in a new directory that only the owner enters', (_, name, mode) => {
    const data = directory(name, mode);
    const socket = prepareOwnerSocket({ dataDirectory: data, temporaryDirectories: [root] });
    const made = dirname(socket.path);
    expect(dirname(made)).toBe(root);
    expect(statSync(made).mode & 0o777).toBe(0o700);
    const other = prepareOwnerSocket({ dataDirectory: data, temporaryDirectories: [root] });
    expect(dirname(other.path)).not.toBe(made);
    socket.remove();
    expect(existsSync(made)).toBe(false);
  });

  it('takes no directory by a link', () => {
    const data = directory('real');
    symlinkSync(data, join(root, 'link'));
    const socket = prepareOwnerSocket({ dataDirectory: join(root, 'link'), temporaryDirectories: [root] });
    expect(socket.path).not.toContain('link');
  });

  it('says what to do where every path is too long', () => {
    const data = directory('d'.repeat(120));
    expect(() => prepareOwnerSocket({ dataDirectory: data, temporaryDirectories: [data] })).toThrow(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining('TMPDIR') }),
    );
  });
});

describe('a socket that a crash left behind', () => {
  it('goes with its directory', () => {
    const data = directory('shared', 0o777);
    const socket = prepareOwnerSocket({ dataDirectory: data, temporaryDirectories: [root] });
    writeFileSync(socket.path, '');
    removeAbandonedSocket(socket.path);
    expect(existsSync(dirname(socket.path))).toBe(false);
  });

  it.each([
    ['a directory of another name', 'elsewhere', 0o700, 'omoi.sock'],
    ['a directory that others may write to', 'omoi-owner-abc', 0o777, 'omoi.sock'],
    ['another file', 'omoi-owner-abc', 0o700, 'notes'],
  ])('stays in %s', (_, name, mode, file) => {
    const path = join(directory(name, mode), file);
    writeFileSync(path, '');
    removeAbandonedSocket(path);
    expect(existsSync(path)).toBe(true);
  });

  it.skipIf(process.getuid?.() !== 0)('stays in a directory of another user, where none is made', () => {
    const theirs = directory('omoi-owner-theirs');
    const path = join(theirs, 'omoi.sock');
    writeFileSync(path, '');
    chownSync(theirs, 4711, 4711);
    removeAbandonedSocket(path);
    expect(existsSync(path)).toBe(true);
    const socket = prepareOwnerSocket({ dataDirectory: theirs, temporaryDirectories: [root] });
    expect(dirname(socket.path)).not.toBe(theirs);
  });
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { announceServer, findServer, lastAnnouncement, withdrawServer } from './running-server.ts';

let directory: string;
const file = (): string => join(directory, 'server.json');
const where = { url: 'http://127.0.0.1:4600', socket: '/run/omoi.sock' };

function rewrite(change: Readonly<Record<string, unknown>>): void {
  const written = JSON.parse(readFileSync(file(), 'utf8')) as Record<string, unknown>;
  writeFileSync(file(), JSON.stringify({ ...written, ...change }));
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'omoi-announced-'));
  announceServer(directory, where);
});

afterEach(() => rmSync(directory, { recursive: true }));

describe('the server of a data directory', () => {
  it('is found while it runs', () => {
    expect(findServer(directory)).toMatchObject({ ...where, pid: process.pid });
  });

  it('is gone when it has withdrawn itself', () => {
    withdrawServer(directory);
    expect(findServer(directory)).toBeNull();
  });

  it.each([
    ['another process has its pid', { start_ticks: 1 }],
    ['the machine was booted since', { boot_id: 'another boot' }],
    ['its pid is free', { pid: 2 ** 30 }],
    ['its pid is free, and an older version wrote it', { pid: 2 ** 30, start_ticks: null, boot_id: null }],
  ])('is none where %s', (_what, change) => {
    rewrite(change);
    expect(findServer(directory)).toBeNull();
    expect(lastAnnouncement(directory)).toMatchObject(where);
  });

  it('of an older version is found by its pid', () => {
    writeFileSync(file(), JSON.stringify({ ...where, pid: process.pid }));
    expect(findServer(directory)).toMatchObject(where);
  });

  it('is none where a power cut has left half of what it wrote', () => {
    writeFileSync(file(), '{"pid": 12');
    expect(findServer(directory)).toBeNull();
  });
});

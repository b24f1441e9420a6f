import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { findProcess, formatHandle, parseHandle } from './process-handle.ts';
import {
  createProcessTable,
  isRunning,
  parseStat,
  processTree,
  type ProcessStat,
  type ProcessTable,
} from './process-table.ts';
import { until } from './until.test-support.ts';

const LINE =
  '4242 (a (odd) name) S 17 4240 4200 34816 4242 4194304 100 0 0 0 7 5 3 2 20 0 11 0 987654 1000 200 18446744073709551615';

function tableOf(...stats: readonly ProcessStat[]): ProcessTable {
  return {
    pids: () => stats.map((stat) => stat.pid),
    newestPid: () => null,
    stat: (pid) => stats.find((stat) => stat.pid === pid) ?? null,
    ioBytes: () => null,
    environ: () => null,
    isBlank: () => false,
    bootId: () => 'boot-1',
    pageBytes: () => 4096,
  };
}

const process4242: ProcessStat = {
  pid: 4242,
  state: 'S',
  parentPid: 17,
  groupId: 4240,
  sessionId: 4200,
  cpuTicks: 12,
  reapedTicks: 5,
  residentPages: 200,
  startTicks: 987_654,
};

describe('the table of processes', () => {
  it('reads a stat line whose command has spaces and parentheses', () => {
    expect(parseStat(4242, LINE)).toEqual(process4242);
  });

  it.each(['', '4242 (cut', '4242 (cut) S 1 2 3'])('takes "%s" for no stat line', (line) => {
    expect(parseStat(4242, line)).toBeNull();
  });

  it('tells what this process uses', () => {
    const table = createProcessTable();
    const stat = table.stat(process.pid);
    const usedSeconds = process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6;
    // Threads that have ended, and those of the runtime, are in both.
    expect((stat?.cpuTicks ?? 0) / 100).toBeGreaterThan(usedSeconds / 2);
    expect((stat?.cpuTicks ?? 0) / 100).toBeLessThan(2 * usedSeconds + 1);
    const residentBytes = (stat?.residentPages ?? 0) * table.pageBytes();
    const { rss } = process.memoryUsage();
    expect(residentBytes).toBeGreaterThan(rss / 2);
    expect(residentBytes).toBeLessThan(2 * rss);
  });

  it('shows this process, and none that does not exist', () => {
    const table = createProcessTable();
    const own = table.stat(process.pid);
    expect(isRunning(own)).toBe(true);
    expect(own?.parentPid).toBe(process.ppid);
    expect(table.pids()).toContain(process.pid);
    expect(table.stat(2 ** 30)).toBeNull();
    expect(table.environ(2 ** 30)).toBeNull();
    expect(table.bootId()).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('tells one that shows nothing of whose it is from one that has cleared its environment', async () => {
    const table = createProcessTable();
    const cleared = spawn('/usr/bin/env', ['-i', '/bin/sleep', '300'], { stdio: 'ignore' });
    // A program that never asks for the exit code of its child, which has let go of its memory.
    const parent = spawn('/bin/sh', ['-c', 'cat <&3 & echo $!; exec 3<&-; exec sleep 300'], {
      stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
    });
    const [, said, , end] = parent.stdio as [null, Readable, null, Writable, ...unknown[]];
    try {
      const [line] = (await once(said, 'data')) as [Buffer];
      const zombie = Number(line);
      // A shell would ask for it.
      await until(() => readFileSync(`/proc/${parent.pid}/comm`, 'utf8') === 'sleep\n');
      end.end();
      await until(() => table.stat(zombie)?.state === 'Z');
      expect(table.isBlank(zombie)).toBe(true);
      const { pid = 0 } = cleared;
      await until(() => table.environ(pid) === '' && !table.isBlank(pid));
      expect(table.isBlank(2 ** 30)).toBe(false);
    } finally {
      cleared.kill('SIGKILL');
      parent.kill('SIGKILL');
    }
  });

  it('shows one whose first thread has ended as its other threads are', () => {
    const proc = mkdtempSync(join(tmpdir(), 'omoi-proc-'));
    const show = (path: string, files: Readonly<Record<string, string>>): void => {
      mkdirSync(join(proc, path), { recursive: true });
      for (const [name, text] of Object.entries(files)) writeFileSync(join(proc, path, name), text);
    };
    const gone = LINE.replace(') S ', ') Z ').replace(' 1000 200 ', ' 0 0 ');
    try {
      show('4242', { stat: gone, environ: '', cmdline: '' });
      show('4242/task/4242', { stat: gone, environ: '' });
      const table = createProcessTable(proc);
      expect(isRunning(table.stat(4242))).toBe(false);
      expect(table.isBlank(4242)).toBe(true);
      show('4242/task/4243', { stat: gone, environ: '' });
      show('4242/task/4244', { stat: LINE.replace(') S ', ') T '), environ: 'A=1\0OMOI_UNIT_ID=u\0' });
      expect(table.stat(4242)).toEqual({ ...process4242, state: 'T' });
      expect(isRunning(table.stat(4242))).toBe(true);
      expect(table.environ(4242)).toContain('OMOI_UNIT_ID=u');
      expect(table.isBlank(4242)).toBe(false);
    } finally {
      rmSync(proc, { recursive: true });
    }
  });

  it('follows a tree from its root, and leaves the dead out', () => {
    const at = (pid: number, parentPid: number, state = 'S'): ProcessStat => ({
      ...process4242,
      pid,
      parentPid,
      state,
    });
    const table = tableOf(at(1, 0), at(10, 1), at(11, 10), at(12, 11), at(13, 10, 'Z'), at(20, 1));
    expect(processTree(table, 10).map((stat) => stat.pid)).toEqual([10, 11, 12]);
    expect(processTree(table, 99)).toEqual([]);
  });
});

describe('a handle', () => {
  it.each<[string, ProcessStat[], string, boolean]>([
    ['names the process', [process4242], 'boot-1/4242/987654', true],
    ['does not name a later one of the same pid', [process4242], 'boot-1/4242/111', false],
    ['does not name one of another boot', [process4242], 'boot-0/4242/987654', false],
    ['does not name a zombie', [{ ...process4242, state: 'Z' }], 'boot-1/4242/987654', false],
    ['names nothing when it is gone', [], 'boot-1/4242/987654', false],
    ['carries the mark of its unit', [process4242], 'boot-1/4242/987654/abc', true],
  ])('%s', (_, stats, handle, found) => {
    const identity = parseHandle(handle);
    if (!identity) throw new Error('no handle');
    expect(formatHandle(identity)).toBe(handle);
    expect(findProcess(tableOf(...stats), identity) !== null).toBe(found);
  });

  it('of another runtime is none', () => {
    expect(parseHandle('container')).toBeNull();
  });
});

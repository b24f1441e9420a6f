import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { createProcessTable } from '#fleet';
import { serverProcesses } from './own-process.ts';

const table = createProcessTable();
const processes = serverProcesses();

it('is running', () => {
  expect(processes.self.pid).toBe(process.pid);
  expect(processes.hasEnded(processes.self)).toBe(false);
});

it('knows of a process of its own machine whether it has ended, and of no other', async () => {
  const child = spawn('sleep', ['1000']);
  const pid = child.pid ?? 0;
  const other = { ...processes.self, pid, startTicks: table.stat(pid)?.startTicks ?? null };
  const exit = once(child, 'exit');
  expect(processes.hasEnded(other)).toBe(false);
  // The same pid, of a process that started at another time.
  expect(processes.hasEnded({ ...other, startTicks: (other.startTicks ?? 0) + 1 })).toBe(true);
  child.kill('SIGKILL');
  await exit;
  expect(processes.hasEnded(other)).toBe(true);
  expect(processes.hasEnded({ ...other, bootId: 'of another host' })).toBe(false);
  expect(processes.hasEnded({ ...other, pidNamespace: 'pid:[1]' })).toBe(false);
  expect(processes.hasEnded({ ...other, pidNamespace: null })).toBe(false);
  expect(processes.hasEnded({ ...other, startTicks: null })).toBe(false);
});

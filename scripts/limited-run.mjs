// A program that has a limit of time: at its end it is asked to stop and clear up, and then all that it has started ends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endMarked } from './marked-processes.mjs';

/**
 * Runs a program to its end, or to that of its time, in a temporary directory of its own, which is also the mark by which what it
 * has started is found: a server hands `TMPDIR` on to its workers, and few other variables.
 * @param {readonly string[]} command the program and its arguments
 * @param {{ cwd?: string, limit: AbortSignal, graceMs: number }} options at `limit` it gets SIGTERM, and `graceMs` later SIGKILL
 * @returns {Promise<{ status: number | null, leftBehind: number }>} its exit code, null where a signal or the limit ended it;
 *   and how many processes it left behind, which were killed
 */
export async function runLimited([program, ...args], { cwd, limit, graceMs }) {
  const directory = mkdtempSync(join(tmpdir(), 'omoi-step-'));
  const child = spawn(program, args, {
    cwd,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, TMPDIR: directory },
  });
  let kill = null;
  const ask = () => {
    child.kill('SIGTERM');
    kill = setTimeout(() => child.kill('SIGKILL'), graceMs);
  };
  limit.addEventListener('abort', ask, { once: true });
  if (limit.aborted) ask();
  try {
    const [status] = await once(child, 'exit');
    const leftBehind = await endMarked(`TMPDIR=${directory}`);
    return { status: limit.aborted ? null : status, leftBehind };
  } finally {
    clearTimeout(kill);
    limit.removeEventListener('abort', ask);
    rmSync(directory, { recursive: true, force: true });
  }
}

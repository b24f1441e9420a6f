import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runLimited } from '../../scripts/limited-run.mjs';
import { until } from './support/until.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'omoi-limited-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const pids = () => readFileSync(join(directory, 'pids'), 'utf8').trim().split('\n').map(Number);

function runs(pid: number): boolean {
  try {
    return /^State:\s+[^ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** A program that starts another in a session of its own, which starts a third; neither of them listens to SIGTERM. */
function program(): readonly string[] {
  const file = join(directory, 'program.mjs');
  const list = JSON.stringify(join(directory, 'pids'));
  writeFileSync(
    file,
    `import { spawn } from 'node:child_process';
     import { appendFileSync } from 'node:fs';
     const depth = Number(process.argv[2]);
     process.on('SIGTERM', () => depth === 0 && process.exit(3));
     if (depth < 2)
       spawn(process.execPath, [process.argv[1], String(depth + 1)], { detached: true, stdio: 'ignore' });
     appendFileSync(${list}, process.pid + '\\n');
     setInterval(() => {}, 1000);`,
  );
  return [process.execPath, file, '0'];
}

it('ends a program whose time is over with all that it has started', async () => {
  const limit = new AbortController();
  const ended = runLimited(program(), { limit: limit.signal, graceMs: 60_000 });
  await until(() => existsSync(join(directory, 'pids')) && pids().length === 3, 'three processes');
  expect(pids().filter(runs)).toHaveLength(3);
  limit.abort();
  expect(await ended).toEqual({ status: null, leftBehind: 2 });
  expect(pids().filter(runs)).toEqual([]);
});

it('says how a program has ended that had the time, and leaves nothing of it', async () => {
  const limit = new AbortController().signal;
  const quick = runLimited([process.execPath, '-e', 'process.exit(7)'], { limit, graceMs: 1 });
  expect(await quick).toEqual({ status: 7, leftBehind: 0 });
});

// One process at a time installs and builds in a checkout: `npm ci` empties node_modules, under whoever else just fills it.
// Plain JavaScript that also runs on Node 20, with nothing but Node's own modules.
import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const maxWaitMs = 15 * 60_000;
const lookEveryMs = 250;
const maxNameCharacters = 120;

/**
 * Runs `work` while no other process runs any under the same lock. A lock whose process is gone, or is another one by now, is
 * broken. Where nothing can be written there is no lock: nothing can be installed there either. Nor is there one where the file
 * system knows no hard links.
 * @template Result
 * @param {{ file: string, maxWaitMs?: number, say?: (line: string) => void }} lock
 * @param {() => Promise<Result>} work
 * @returns {Promise<Result>}
 * @throws Error where another process has had it for too long
 */
export async function withLock(lock, work) {
  const own = await acquire(lock);
  if (own === null) return work();
  const release = () => releaseOwn(lock.file, own);
  process.on('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

/** @returns what is written in the lock, or null where none can be made */
async function acquire({ file, maxWaitMs: limitMs = maxWaitMs, say = sayOnStandardError }) {
  const own = JSON.stringify({ pid: process.pid, started: startOf(process.pid) });
  const claim = `${file}.${process.pid}`;
  if (!prepare(claim, own)) return null;
  const startedMs = performance.now();
  let isTold = false;
  try {
    for (;;) {
      const placed = place(claim, file);
      if (placed === 'yes') return own;
      if (placed === 'never') return null;
      // Somebody has emptied the directory meanwhile.
      if (placed === 'gone' && !prepare(claim, own)) return null;
      const held = read(file);
      if (held !== null && !isRunning(held)) breakStale({ file, claim, held });
      else if (held !== null) {
        const { pid } = JSON.parse(held);
        if (performance.now() - startedMs > limitMs) throw heldTooLong(file, pid, limitMs);
        if (!isTold) say(`omoi: process ${pid} installs or builds in this checkout; waiting for it …`);
        isTold = true;
        await delay(lookEveryMs);
      }
    }
  } finally {
    rmSync(claim, { force: true });
  }
}

function heldTooLong(file, pid, limitMs) {
  const minutes = Math.round(limitMs / 60_000);
  return new Error(
    `process ${pid} has been installing or building in this checkout for ${minutes} minutes; end it, or remove ${file}`,
  );
}

/** @returns whether what is to be written in the lock could be */
function prepare(claim, own) {
  try {
    mkdirSync(dirname(claim), { recursive: true });
    writeFileSync(claim, own);
    return true;
  } catch {
    return false;
  }
}

/**
 * Complete at once, and never over another: whoever reads it finds all of it.
 * @returns {'yes' | 'no' | 'gone' | 'never'} `no`: another is there; `gone`: the claim is not there any more; `never`: files can't be linked here
 */
function place(claim, file) {
  try {
    linkSync(claim, file);
    return 'yes';
  } catch (error) {
    if (error.code === 'EEXIST') return 'no';
    return error.code === 'ENOENT' ? 'gone' : 'never';
  }
}

/**
 * Who may take the lock of a holder that is gone away is settled by a name made of that holder, and it is done only while the
 * lock is that one's still: what another has taken meanwhile stays.
 */
function breakStale({ file, claim, held }) {
  const successor = `${file}.after-${held.replaceAll(/[^\w-]+/g, '-').slice(0, maxNameCharacters)}`;
  if (place(claim, successor) !== 'yes') {
    const other = read(successor);
    if (other !== null && !isRunning(other)) rmSync(successor, { force: true });
    return;
  }
  try {
    if (read(file) === held) rmSync(file, { force: true });
  } finally {
    rmSync(successor, { force: true });
  }
}

function releaseOwn(file, own) {
  if (read(file) === own) rmSync(file, { force: true });
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

/** Whether the process that wrote it is there: of the same pid, and started when it was. */
function isRunning(written) {
  try {
    const { pid, started } = JSON.parse(written);
    return startOf(pid) !== null && startOf(pid) === started;
  } catch {
    return false;
  }
}

/** When a process was started, with the boot where the system tells it; null where there is no such process. */
function startOf(pid) {
  if (process.platform !== 'linux') {
    const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
    return stdout?.trim() || null;
  }
  const stat = read(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The name, in parentheses, may contain anything; the start is the 20th field behind it (proc(5)).
  const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  return `${read('/proc/sys/kernel/random/boot_id')?.trim() ?? ''}/${ticks}`;
}

function sayOnStandardError(line) {
  process.stderr.write(`${line}\n`);
}

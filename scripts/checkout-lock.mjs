// One process at a time installs and builds in a checkout: `npm ci` empties node_modules, under whoever else just fills it.
// Plain JavaScript that also runs on Node 20, with nothing but Node's own modules.
import { spawnSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const maxWaitMs = 15 * 60_000;
const lookEveryMs = 250;
const maxNameCharacters = 120;
/** How often a holder shows that it is there. */
const beatEveryMs = 1000;
/** A holder of another process space that has shown nothing for so long is gone. */
const maxSilenceMs = 30_000;

/**
 * Runs `work` while no other process runs any under the same lock. A lock whose process is gone, or is another one by now, is
 * broken. Where two containers or machines share the checkout, a pid of the one says nothing in the other: there a lock is
 * broken whose holder has not touched it for a while. Where nothing can be written there is no lock: nothing can be installed there either. Nor is there one where the file
 * system knows no hard links.
 * @template Result
 * @param {{ file: string, maxWaitMs?: number, maxSilenceMs?: number, say?: (line: string) => void }} lock
 * @param {() => Promise<Result>} work
 * @returns {Promise<Result>}
 * @throws Error where another process has had it for too long
 */
export async function withLock(lock, work) {
  const own = await acquire(lock);
  if (own === null) return work();
  const release = () => releaseOwn(lock.file, own);
  const beating = setInterval(() => touchOwn(lock.file, own), beatEveryMs);
  process.on('exit', release);
  try {
    return await work();
  } finally {
    clearInterval(beating);
    process.off('exit', release);
    release();
  }
}

/** @returns what is written in the lock, or null where none can be made */
async function acquire({
  file,
  maxWaitMs: limitMs = maxWaitMs,
  maxSilenceMs: silenceMs = maxSilenceMs,
  say = sayOnStandardError,
}) {
  const space = processSpace();
  const own = JSON.stringify({ pid: process.pid, started: startOf(process.pid), space });
  // A process of another space may have the same pid.
  const claim = `${file}.${process.pid}-${nameOf(space)}`;
  const holders = new Holders(space, silenceMs);
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
      if (held !== null && !holders.isThere(file, held)) breakStale({ file, claim, held, holders });
      else if (held !== null) {
        const { pid, space: other } = JSON.parse(held);
        const where = other === undefined || other === space ? '' : ' of another container or machine';
        if (performance.now() - startedMs > limitMs) throw heldTooLong(file, `${pid}${where}`, limitMs);
        if (!isTold)
          say(`omoi: process ${pid}${where} installs or builds in this checkout; waiting for it …`);
        isTold = true;
        await delay(lookEveryMs);
      }
    }
  } finally {
    rmSync(claim, { force: true });
  }
}

function heldTooLong(file, who, limitMs) {
  const minutes = Math.round(limitMs / 60_000);
  return new Error(
    `process ${who} has been installing or building in this checkout for ${minutes} minutes; end it, or remove ${file}`,
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
function breakStale({ file, claim, held, holders }) {
  const successor = `${file}.after-${nameOf(held)}`;
  if (place(claim, successor) !== 'yes') {
    const other = read(successor);
    if (other !== null && !holders.isThere(successor, other)) rmSync(successor, { force: true });
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

/** Shows who waits in another process space that the holder is there. */
function touchOwn(file, own) {
  if (read(file) !== own) return;
  const now = new Date();
  try {
    utimesSync(file, now, now);
  } catch {
    // It has just gone, or nothing can be written any more.
  }
}

function nameOf(text) {
  return text.replaceAll(/[^\w-]+/g, '-').slice(0, maxNameCharacters);
}

/** Where pids mean the same: a boot of a machine, and in it a container. */
function processSpace() {
  try {
    return `${read('/proc/sys/kernel/random/boot_id')?.trim() ?? ''}/${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

/** Whether those who wrote a lock are there. */
class Holders {
  #space;
  #maxSilenceMs;
  /** Of locks of other spaces: what was seen of them last, and since when. */
  #seen = new Map();

  constructor(space, silenceMs) {
    this.#space = space;
    this.#maxSilenceMs = silenceMs;
  }

  /** Of this space by the process: of the same pid, and started when it was. Of another by what it shows. */
  isThere(file, written) {
    try {
      const { pid, started, space = this.#space } = JSON.parse(written);
      if (space !== this.#space) return this.#isHeard(file, written);
      return startOf(pid) !== null && startOf(pid) === started;
    } catch {
      return false;
    }
  }

  /** Measured here: the clocks of two machines differ. */
  #isHeard(file, written) {
    const touched = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? null;
    const nowMs = performance.now();
    const before = this.#seen.get(file);
    if (before === undefined || before.written !== written || before.touched !== touched) {
      this.#seen.set(file, { written, touched, sinceMs: nowMs });
      return true;
    }
    return nowMs - before.sinceMs <= this.#maxSilenceMs;
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

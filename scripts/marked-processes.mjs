// Processes of this machine that carry a variable in their environment, and their end: what a step of `npm run test:long`
// has started, whatever sessions and parents that has now. A step passes the mark on as it passes on its environment.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Walks in a row that have to find nothing: what was being started during the first is seen by the second. */
const emptyWalks = 2;
const pauseMs = 50;

/**
 * @param {string} mark `NAME=VALUE`
 * @returns {number[]} their pids, but not this process's own
 */
export function processesMarked(mark) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && isMarked(pid, mark));
}

/**
 * Kills them one by one, each seen to carry the mark just before, until none is left.
 * @param {string} mark `NAME=VALUE`
 * @returns {Promise<number>} how many were killed
 */
export async function endMarked(mark) {
  const killed = new Set();
  for (let empty = 0; empty < emptyWalks;) {
    const pids = processesMarked(mark);
    empty = pids.length === 0 ? empty + 1 : 0;
    for (const pid of pids) {
      try {
        if (isMarked(pid, mark) && process.kill(pid, 'SIGKILL')) killed.add(pid);
      } catch {
        // It has ended by itself.
      }
    }
    await delay(pauseMs);
  }
  return killed.size;
}

function isMarked(pid, mark) {
  try {
    // One that has ended and is not asked for its exit code has no environment any more.
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(mark);
  } catch {
    return false;
  }
}

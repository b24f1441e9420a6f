import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readOrEmpty } from './read-or-empty.ts';

/**
 * Makes a control group (cgroup v2) and puts a process, what it has started already and all that it starts from now on
 * into it. (A program runs for a moment before anybody can move it: what leaves it in that moment the walk over the
 * processes has to find.)
 * @returns whether it is in there
 */
export function enterGroup(directory: string, pid: number): boolean {
  return succeeds(() => {
    mkdirSync(directory);
    moveTree(pid, join(directory, 'cgroup.procs'));
  });
}

/** The kernel moves one process, whose forks are in its group from then on: what it had forked before is moved after it. */
function moveTree(pid: number, procs: string): void {
  writeFileSync(procs, String(pid));
  for (const child of readOrEmpty(`/proc/${pid}/task/${pid}/children`).split(' ')) {
    // It may have ended meanwhile.
    if (child.trim() !== '') succeeds(() => moveTree(Number(child), procs));
  }
}

export function succeeds(work: () => void): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}

import type { ProcessStat } from './process-table.ts';

/** For longer nobody is within `execve`, or on the way out, who does not wait for a disk or a network. */
const DOUBT_MS = 2000;

interface Blank extends Pick<ProcessStat, 'startTicks'> {
  readonly firstWalk: number;
  readonly sinceMs: number;
}

/**
 * The processes that show nothing of whose they are, from one walk over the table to the next. Each shows it soon, or is
 * gone: only then is it known whether a walk has missed one of a unit's.
 */
export class BlankProcesses {
  #blanks = new Map<number, Blank>();

  /**
   * Takes those that are blank at this moment.
   * @returns the earliest walk that has seen one of which it is not known yet whose it is; Infinity where there is none
   */
  look(blank: readonly ProcessStat[], now: { readonly walk: number; readonly ms: number }): number {
    const before = this.#blanks;
    this.#blanks = new Map();
    let earliest = Infinity;
    for (const { pid, startTicks } of blank) {
      const known = before.get(pid);
      const one =
        known?.startTicks === startTicks ? known : { startTicks, firstWalk: now.walk, sinceMs: now.ms };
      this.#blanks.set(pid, one);
      if (now.ms - one.sinceMs < DOUBT_MS) earliest = Math.min(earliest, one.firstWalk);
    }
    return earliest;
  }
}

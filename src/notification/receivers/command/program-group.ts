import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Member {
  readonly pid: string;
  readonly startTicks: string;
}

// Places in what follows the command name in /proc/PID/stat (proc(5)), which may contain anything.
const GROUP = 2;
const START_TICKS = 19;

/**
 * The process group that a program leads. While the program has not been waited for, the number is its own. After that the
 * kernel gives it to nobody as long as one of the group is left; a group of that number of which none is left that was in it
 * when the program ended is a stranger's.
 */
export class ProgramGroup {
  readonly #leaderPid: number;
  readonly #proc: string;
  #left: readonly Member[] | null = null;

  /** @param proc where the kernel's table of processes is */
  constructor(leaderPid: number, proc = '/proc') {
    this.#leaderPid = leaderPid;
    this.#proc = proc;
  }

  /** To be called as soon as the program has ended. */
  leaderEnded(): void {
    this.#left = this.#isEmpty() ? [] : this.#members();
  }

  /** Mostly a program leaves nobody behind: to look through the table of a machine of thousands of processes takes long. */
  #isEmpty(): boolean {
    try {
      process.kill(-this.#leaderPid, 0);
      return false;
    } catch (thrown) {
      return thrown instanceof Error && 'code' in thrown && thrown.code === 'ESRCH';
    }
  }

  /** All of the group get a signal; nobody where none of it is left. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (this.#left !== null && !this.#left.some((member) => this.#isStillIn(member))) return;
    try {
      process.kill(-this.#leaderPid, signal);
    } catch {
      // All of it has ended.
    }
  }

  #members(): readonly Member[] {
    let entries: readonly string[];
    try {
      entries = readdirSync(this.#proc);
    } catch {
      return [];
    }
    return entries.flatMap((entry) => {
      const stat = /^\d+$/.test(entry) ? statOf(join(this.#proc, entry)) : null;
      return stat?.groupId === this.#leaderPid ? [{ pid: entry, startTicks: stat.startTicks }] : [];
    });
  }

  #isStillIn({ pid, startTicks }: Member): boolean {
    const stat = statOf(join(this.#proc, pid));
    return stat?.groupId === this.#leaderPid && stat.startTicks === startTicks;
  }
}

/** null where there is no such process. */
function statOf(folder: string): { readonly groupId: number; readonly startTicks: string } | null {
  try {
    const line = readFileSync(join(folder, 'stat'), 'latin1');
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
    return { groupId: Number(fields[GROUP]), startTicks: fields[START_TICKS] ?? '' };
  } catch {
    return null;
  }
}

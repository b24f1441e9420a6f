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
 * What became of a signal to a group. `unseen`: there is a group of its number, and nobody of it can be told from a stranger: the table
 * of processes is not there (it is Linux's), or hides those that run as another user (hidepid), or whoever was seen has ended.
 */
export type Signalled = 'signalled' | 'empty' | 'unseen';

/**
 * The process group that a program leads. While the program has not been waited for, the number is its own. After that the
 * kernel gives it to nobody as long as one of the group is left; a group of that number of which none is seen that was in it
 * when the program ended may be a stranger's, and is left alone, which is not to say that it is empty.
 */
export class ProgramGroup {
  readonly #leaderPid: number;
  readonly #proc: string;
  /** Those that are seen of it when the program has ended; null before. */
  #left: readonly Member[] | null = null;
  /** Whether nobody was left when the program ended: a group of that number is a stranger's. */
  #isOver = false;

  /** @param proc where the kernel's table of processes is */
  constructor(leaderPid: number, proc = '/proc') {
    this.#leaderPid = leaderPid;
    this.#proc = proc;
  }

  /** To be called as soon as the program has ended. */
  leaderEnded(): void {
    this.#isOver = this.#isEmpty();
    this.#left = this.#isOver ? [] : this.#members();
  }

  /** Mostly a program leaves nobody behind: to look through the table of a machine of thousands of processes takes long. */
  #isEmpty(): boolean {
    try {
      process.kill(-this.#leaderPid, 0);
      return false;
    } catch (thrown) {
      // EPERM: there are some, of another user.
      return isNoSuchGroup(thrown);
    }
  }

  /** All of the group get a signal, if it is known to be the program's. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): Signalled {
    if (this.#left !== null && !this.#left.some((member) => this.#isStillIn(member))) {
      return this.#isOver || this.#isEmpty() ? 'empty' : 'unseen';
    }
    try {
      process.kill(-this.#leaderPid, signal);
      return 'signalled';
    } catch (thrown) {
      return isNoSuchGroup(thrown) ? 'empty' : 'unseen';
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

function isNoSuchGroup(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ESRCH';
}

/** null where there is no such process, or it is hidden. */
function statOf(folder: string): { readonly groupId: number; readonly startTicks: string } | null {
  try {
    const line = readFileSync(join(folder, 'stat'), 'latin1');
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
    return { groupId: Number(fields[GROUP]), startTicks: fields[START_TICKS] ?? '' };
  } catch {
    return null;
  }
}

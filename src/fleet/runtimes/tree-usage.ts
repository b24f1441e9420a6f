import type { ProcessUsage } from '#telemetry';
import type { ProcessStat } from './process-table.ts';

/** USER_HZ: what `/proc` counts CPU time in, whatever the kernel's own tick (proc(5), times(2)). */
const TICKS_PER_SECOND = 100;

interface Known {
  readonly startTicks: number;
  /** What the processes of the tree had used when it was looked at last … */
  lastTicks: number;
  /** … and of that what those had which ended before … */
  lastEndedTicks: number;
  /** … and what it has used in all, which never goes down. */
  ticks: number;
  /**
   * What had vanished at the last look. A process that ended while its tree was read, after its parent was, is in neither: it is
   * counted already, and is not counted again with its parent.
   */
  missingTicks: number;
  /** The moment of the last measurement. */
  moment: number;
}

/** A tree as it was read: its root first, and what its ended processes had used that nobody has asked for yet. */
export interface ReadTree {
  readonly members: readonly ProcessStat[];
  readonly zombieTicks: number;
}

/**
 * What trees of processes have used. CPU is that of the processes that are there and of those that they have waited for, so that
 * what has ended counts on with its parent; what nobody in the tree waits for, and what leaves it, counts up to the last look.
 */
export class TreeUsage {
  readonly #pageBytes: number;
  readonly #known = new Map<number, Known>();

  constructor(pageBytes: number) {
    this.#pageBytes = pageBytes;
  }

  /**
   * @param tree with its root
   * @param moment a number that is greater than that of what was before
   */
  measure(root: ProcessStat, { members, zombieTicks }: ReadTree, moment: number): ProcessUsage {
    let endedTicks = zombieTicks;
    let ticks = 0;
    let pages = 0;
    for (const { cpuTicks, reapedTicks, residentPages } of members) {
      endedTicks += reapedTicks;
      ticks += cpuTicks;
      pages += residentPages;
    }
    ticks += endedTicks;
    const { pid, startTicks } = root;
    let known = this.#known.get(pid);
    if (known?.startTicks !== startTicks) {
      known = { startTicks, lastTicks: 0, lastEndedTicks: 0, ticks: 0, missingTicks: 0, moment };
      this.#known.set(pid, known);
    }
    const grownTicks = ticks - known.lastTicks;
    const foundTicks = Math.min(known.missingTicks, Math.max(0, endedTicks - known.lastEndedTicks));
    known.ticks += Math.max(0, grownTicks - foundTicks);
    known.missingTicks = Math.max(0, -grownTicks);
    known.lastTicks = ticks;
    known.lastEndedTicks = endedTicks;
    known.moment = moment;
    return { cpuSeconds: known.ticks / TICKS_PER_SECOND, memoryBytes: pages * this.#pageBytes };
  }

  /**
   * Forgets the trees whose root has ended.
   * @param isThere whether a process with this pid ran
   * @param moment when that was: of a tree that was measured later it says nothing
   */
  forgetEnded(isThere: (pid: number) => boolean, moment: number): void {
    for (const [pid, known] of this.#known)
      if (known.moment < moment && !isThere(pid)) this.#known.delete(pid);
  }
}

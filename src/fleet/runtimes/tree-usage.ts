import type { ProcessUsage } from '#telemetry';
import type { ProcessStat } from './process-table.ts';

/** USER_HZ: what `/proc` counts CPU time in, whatever the kernel's own tick (proc(5), times(2)). */
const TICKS_PER_SECOND = 100;

interface Known {
  readonly startTicks: number;
  /** What the processes of the tree had used when it was looked at last … */
  lastTicks: number;
  /** … and what it has used in all, which never goes down. */
  ticks: number;
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

  /** @param tree with its root */
  measure(root: ProcessStat, { members, zombieTicks }: ReadTree): ProcessUsage {
    let ticks = zombieTicks;
    let pages = 0;
    for (const { cpuTicks, reapedTicks, residentPages } of members) {
      ticks += cpuTicks + reapedTicks;
      pages += residentPages;
    }
    const { pid, startTicks } = root;
    let known = this.#known.get(pid);
    if (known?.startTicks !== startTicks)
      this.#known.set(pid, (known = { startTicks, lastTicks: 0, ticks: 0 }));
    known.ticks += Math.max(0, ticks - known.lastTicks);
    known.lastTicks = ticks;
    return { cpuSeconds: known.ticks / TICKS_PER_SECOND, memoryBytes: pages * this.#pageBytes };
  }

  /** Forgets the trees whose root has ended. @param isThere whether a process with this pid runs */
  forgetEnded(isThere: (pid: number) => boolean): void {
    for (const pid of this.#known.keys()) if (!isThere(pid)) this.#known.delete(pid);
  }
}

import { processTree, type ProcessTable } from '#fleet';

/** Whether a process and what descends from it use CPU: the evidence that a silent command is at work. */
export class TreeActivity {
  readonly #table: ProcessTable;
  #ticksByPid = new Map<number, number>();

  constructor(table: ProcessTable) {
    this.#table = table;
  }

  /** How many processes of the tree have used CPU, or were started, since the last call. */
  busy(rootPid: number): number {
    const ticksByPid = new Map<number, number>();
    let busy = 0;
    for (const { pid, cpuTicks } of processTree(this.#table, rootPid)) {
      if (this.#ticksByPid.get(pid) !== cpuTicks) busy += 1;
      ticksByPid.set(pid, cpuTicks);
    }
    this.#ticksByPid = ticksByPid;
    return busy;
  }
}

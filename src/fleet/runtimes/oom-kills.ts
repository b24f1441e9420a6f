import { readOrEmpty } from './read-or-empty.ts';

/** Counts since the boot, of the machine and all its control groups (proc_vmstat(5), Linux 4.13). */
const VMSTAT = '/proc/vmstat';

/** Whether the kernel ends processes for want of memory: it tells no process's own end from any other SIGKILL. */
export class OomKills {
  readonly #read: () => string;
  #counted: number;
  /** How many ends have not been explained by it yet. */
  #unexplained = 0;

  constructor(read: () => string = () => readOrEmpty(VMSTAT)) {
    this.#read = read;
    this.#counted = countIn(read());
  }

  /** Whether a process that has just ended by SIGKILL is most likely one of those; each of them explains one end. */
  explains(): boolean {
    this.#look();
    if (this.#unexplained === 0) return false;
    this.#unexplained--;
    return true;
  }

  /** What was counted until now explains no end that is still to come. */
  forget(): void {
    this.#look();
    this.#unexplained = 0;
  }

  #look(): void {
    const counted = countIn(this.#read());
    this.#unexplained += Math.max(0, counted - this.#counted);
    this.#counted = counted;
  }
}

/** 0 where the kernel does not count. */
function countIn(vmstat: string): number {
  return Number(/^oom_kill (\d+)$/m.exec(vmstat)?.[1] ?? 0);
}

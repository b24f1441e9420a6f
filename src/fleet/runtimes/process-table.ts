import { readFileSync, readdirSync } from 'node:fs';

/** One process as `/proc/PID/stat` shows it (proc(5)). */
export interface ProcessStat {
  readonly pid: number;
  /** One letter: R running, S sleeping, T stopped, Z zombie … */
  readonly state: string;
  readonly parentPid: number;
  readonly groupId: number;
  readonly sessionId: number;
  /** User and system time, in clock ticks. */
  readonly cpuTicks: number;
  /** Of what it had started and has waited for, in clock ticks, with all below. */
  readonly reapedTicks: number;
  /** Memory that is resident, in pages. */
  readonly residentPages: number;
  /** Since the boot, in clock ticks: with the pid it names one process of this boot. */
  readonly startTicks: number;
}

/** The kernel's table of processes. Reads are small and from memory, so they are synchronous. */
export interface ProcessTable {
  /** null when there is no such process. */
  stat(pid: number): ProcessStat | null;
  pids(): readonly number[];
  /** The pid that was given last; null where that is not told. */
  newestPid(): number | null;
  /** Bytes that a process has read and written by system calls, sockets and pipes too; null when it is gone or another user's. */
  ioBytes(pid: number): number | null;
  /** The environment a process was started with; null when it is gone or another user's. */
  environ(pid: number): string | null;
  /**
   * Whether a process is there and shows neither environment nor arguments: within `execve` the next program's are not there
   * yet, and who is about to be gone has let go of its memory. Threads of the kernel never show any.
   */
  isBlank(pid: number): boolean;
  /** Tells one boot of the machine from another. */
  bootId(): string;
  /** How large a page of memory is. */
  pageBytes(): number;
}

const ZOMBIE = 'Z';
const USUAL_PAGE_BYTES = 4096;
/** AT_PAGESZ of the auxiliary vector (getauxval(3)), which is pairs of words. */
const PAGE_SIZE_TYPE = 6n;

// Places in what follows the command name, which is the second field, in parentheses, and may contain anything.
const STATE = 0;
const PARENT = 1;
const GROUP = 2;
const SESSION = 3;
const USER_TICKS = 11;
const SYSTEM_TICKS = 12;
const REAPED_USER_TICKS = 13;
const REAPED_SYSTEM_TICKS = 14;
const START_TICKS = 19;
const RESIDENT_PAGES = 21;

/** @returns null for a text that is no stat line */
export function parseStat(pid: number, line: string): ProcessStat | null {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const number = (place: number): number => Number(fields[place]);
  if (fields.length <= RESIDENT_PAGES) return null;
  return {
    pid,
    state: fields[STATE] ?? '',
    parentPid: number(PARENT),
    groupId: number(GROUP),
    sessionId: number(SESSION),
    cpuTicks: number(USER_TICKS) + number(SYSTEM_TICKS),
    reapedTicks: number(REAPED_USER_TICKS) + number(REAPED_SYSTEM_TICKS),
    residentPages: number(RESIDENT_PAGES),
    startTicks: number(START_TICKS),
  };
}

/** Whether the process still runs: a zombie has ended, somebody only has not asked for its exit code yet. */
export function isRunning(stat: ProcessStat | null): stat is ProcessStat {
  return stat !== null && stat.state !== ZOMBIE && stat.state !== 'X';
}

/**
 * Linux. Elsewhere there is no `/proc`, and every process reads as gone. A program may end its first thread and go on in others
 * (`pthread_exit` in `main`): the kernel shows that process as a zombie without memory, and here it is what its other threads are.
 * @param proc where the kernel shows it
 */
export function createProcessTable(proc = '/proc'): ProcessTable {
  let boot: string | null = null;
  const environ = (pid: number): string | null => {
    const shown = readOrNull(`${proc}/${pid}/environ`);
    return shown ? shown : (environOfThreads(proc, pid) ?? shown);
  };
  return {
    stat: (pid) => {
      const stat = readStat(`${proc}/${pid}`, pid);
      return stat?.state === ZOMBIE ? throughThreads(proc, stat) : stat;
    },
    pids: () => {
      try {
        return readdirSync(proc)
          .map(Number)
          .filter((pid) => Number.isInteger(pid));
      } catch {
        return [];
      }
    },
    newestPid: () => {
      // The last of its fields (proc_loadavg(5)).
      const newest = Number(readOrNull(`${proc}/loadavg`)?.trim().split(' ').at(-1));
      return Number.isInteger(newest) ? newest : null;
    },
    ioBytes: (pid) => {
      const text = readOrNull(`${proc}/${pid}/io`);
      const counts = text === null ? null : /^rchar: (\d+)\nwchar: (\d+)$/m.exec(text);
      return counts ? Number(counts[1]) + Number(counts[2]) : null;
    },
    environ,
    isBlank: (pid) =>
      readOrNull(`${proc}/${pid}/cmdline`) === '' && hasNoEnvironment(proc, pid) && !environ(pid),
    bootId: () => {
      boot ??= readOrNull(`${proc}/sys/kernel/random/boot_id`)?.trim() ?? 'unknown';
      return boot;
    },
    pageBytes: () => {
      try {
        return readPageBytes(readFileSync(`${proc}/self/auxv`)) ?? USUAL_PAGE_BYTES;
      } catch {
        return USUAL_PAGE_BYTES;
      }
    },
  };
}

/** @param auxv of a 64-bit process of this machine's own byte order, which is little-endian wherever Node runs on Linux but s390x */
function readPageBytes(auxv: Buffer): number | null {
  for (let at = 0; at + 16 <= auxv.length; at += 16) {
    if (auxv.readBigUInt64LE(at) === PAGE_SIZE_TYPE) return Number(auxv.readBigUInt64LE(at + 8));
  }
  return null;
}

/** A process may end between any two reads: that is no error. */
function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function readStat(directory: string, pid: number): ProcessStat | null {
  const line = readOrNull(`${directory}/stat`);
  return line === null ? null : parseStat(pid, line);
}

/** What the threads of a process show whose first one has ended: its own stat line has all of their CPU time, and no memory. */
function throughThreads(proc: string, stat: ProcessStat): ProcessStat {
  for (const thread of otherThreads(proc, stat.pid)) {
    const seen = readStat(thread, stat.pid);
    if (isRunning(seen)) return { ...stat, state: seen.state, residentPages: seen.residentPages };
  }
  return stat;
}

/** Of a process whose first thread has ended; null where that has not, or none of the others shows any. */
function environOfThreads(proc: string, pid: number): string | null {
  if (readStat(`${proc}/${pid}`, pid)?.state !== ZOMBIE) return null;
  for (const thread of otherThreads(proc, pid)) {
    const shown = readOrNull(`${thread}/environ`);
    if (shown) return shown;
  }
  return null;
}

/** Where the kernel shows the threads of a process but its first. */
function otherThreads(proc: string, pid: number): readonly string[] {
  try {
    const threads = readdirSync(`${proc}/${pid}/task`).filter((thread) => thread !== String(pid));
    return threads.map((thread) => `${proc}/${pid}/task/${thread}`);
  } catch {
    return [];
  }
}

/** Whether its environment is empty, or there is no memory for one; false where it is not told. */
function hasNoEnvironment(proc: string, pid: number): boolean {
  try {
    return readFileSync(`${proc}/${pid}/environ`, 'utf8') === '';
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}

/** A process and everything that descends from it. */
export function processTree(table: ProcessTable, rootPid: number): readonly ProcessStat[] {
  const children = new Map<number, ProcessStat[]>();
  for (const pid of table.pids()) {
    const stat = table.stat(pid);
    if (!isRunning(stat)) continue;
    const siblings = children.get(stat.parentPid);
    if (siblings) siblings.push(stat);
    else children.set(stat.parentPid, [stat]);
  }
  const root = table.stat(rootPid);
  const tree = isRunning(root) ? [root] : [];
  for (const stat of tree) tree.push(...(children.get(stat.pid) ?? []));
  return tree;
}

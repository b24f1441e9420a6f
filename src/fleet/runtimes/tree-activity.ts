import type { ProcessActivity, ProcessUsage } from '#telemetry';
import { isRunning, type ProcessStat, type ProcessTable } from './process-table.ts';
import { TreeUsage, type ReadTree } from './tree-usage.ts';

/** Processes read before others may have a turn: a fraction of a millisecond. */
const PROCESSES_PER_SLICE = 50;
const STOPPED = 'T';
/** It runs, or would if it were given a CPU: on a busy host it gets none for seconds, and is at work all the same. */
const RUNNABLE = 'R';
/** Held by its tracer: a debugger at a breakpoint, or for an instant one that follows its system calls. */
const TRACED = 't';

/** What one process had used when it was looked at last. */
interface Used {
  readonly startTicks: number;
  readonly cpuTicks: number;
  readonly ioBytes: number | null;
}

type Tree = Map<number, Used>;

interface SeenTree {
  readonly used: Tree;
  /** When it was looked at, by the clock of who looks. */
  readonly atMs: number;
  /** The moment of that look. */
  readonly moment: number;
}

/** When a look is, and since when another one has to be for it to be compared with. */
interface LookTime {
  readonly atMs: number;
  readonly sinceMs: number;
}

/** For who looks at one tree alone: each look is compared with the one before. */
const WHENEVER: LookTime = { atMs: 0, sinceMs: 0 };

/** The first process of a tree; without its start it is whatever has the pid. */
export interface TreeRoot {
  readonly pid: number;
  readonly startTicks: number | null;
}

/**
 * What the trees of some processes have done since they were looked at before: a process and all that descends from
 * it or belongs to the session that it leads. However many trees are looked at, the table is read once, and no
 * environment: what has left its session and its parents shows nothing of who beats.
 */
export class TreeActivity {
  readonly #table: ProcessTable;
  readonly #usage: TreeUsage;
  /** Grows: tells what was read before from what was read after. */
  #moment = 0;
  readonly #trees = new Map<number, SeenTree>();

  constructor(table: ProcessTable) {
    this.#table = table;
    this.#usage = new TreeUsage(table.pageBytes());
  }

  /**
   * Offers pauses; of looks at a tree that overlap each compares with the one that ended last. A tree that was not looked at
   * before, or not since then, is `idle` where none of it runs or waits for a CPU, or `stopped`: what it did is not known. One whose root has ended is left out.
   * @param used is told what each tree uses, by the pid of its root
   * @returns by the pid of the root
   */
  *look(
    roots: readonly TreeRoot[],
    { atMs, sinceMs }: LookTime = WHENEVER,
    used: (rootPid: number, usage: ProcessUsage) => void = () => undefined,
  ): Generator<void, Map<number, ProcessActivity>> {
    const began = ++this.#moment;
    const processes = yield* readProcesses(this.#table);
    const activities = new Map<number, ProcessActivity>();
    const seen: [number, SeenTree][] = [];
    for (const { root, tree } of treesOf(processes, roots)) {
      yield;
      const { members } = tree;
      const usedNow = new Map(members.map((member) => [member.pid, this.#usedBy(member)]));
      const before = this.#trees.get(root.pid);
      const isSame = before?.used.get(root.pid)?.startTicks === root.startTicks;
      const known = isSame && before.atMs >= sinceMs ? before.used : undefined;
      seen.push([root.pid, { used: usedNow, atMs, moment: ++this.#moment }]);
      activities.set(root.pid, judge(members, { used: usedNow, known }));
      used(root.pid, this.#usage.measure(root, tree, ++this.#moment));
    }
    for (const [pid, tree] of seen) this.#trees.set(pid, tree);
    this.#forgetEnded(processes, began);
    return activities;
  }

  /** Looks at what trees use alone: it is no look that others are compared with. One whose root has ended is left out. */
  *measure(
    roots: readonly TreeRoot[],
    used: (rootPid: number, usage: ProcessUsage) => void,
  ): Generator<void, void> {
    const began = ++this.#moment;
    const processes = yield* readProcesses(this.#table);
    for (const { root, tree } of treesOf(processes, roots)) {
      yield;
      used(root.pid, this.#usage.measure(root, tree, ++this.#moment));
    }
    this.#forgetEnded(processes, began);
  }

  /** @param began the moment before they were read: a tree that another look has found since may have begun later */
  #forgetEnded({ byPid }: ProcessIndex, began: number): void {
    for (const [pid, { moment }] of this.#trees)
      if (moment < began && !byPid.has(pid)) this.#trees.delete(pid);
    this.#usage.forgetEnded((pid) => byPid.has(pid), began);
  }

  #usedBy({ pid, startTicks, cpuTicks }: ProcessStat): Used {
    return { startTicks, cpuTicks, ioBytes: this.#table.ioBytes(pid) };
  }
}

interface ProcessIndex {
  readonly byPid: ReadonlyMap<number, ProcessStat>;
  readonly byParent: ReadonlyMap<number, readonly ProcessStat[]>;
  readonly bySession: ReadonlyMap<number, readonly ProcessStat[]>;
  /** What the ended children of a process had used that it has not waited for yet. */
  readonly zombieTicks: ReadonlyMap<number, number>;
}

/** The trees whose roots run. */
function* treesOf(
  processes: ProcessIndex,
  roots: readonly TreeRoot[],
): Generator<{ readonly root: ProcessStat; readonly tree: ReadTree }, void> {
  for (const { pid, startTicks } of roots) {
    const members = membersOf(processes, pid);
    const [root] = members;
    if (!root || (startTicks !== null && root.startTicks !== startTicks)) continue;
    const zombieTicks = members.reduce(
      (sum, member) => sum + (processes.zombieTicks.get(member.pid) ?? 0),
      0,
    );
    yield { root, tree: { members, zombieTicks } };
  }
}

function* readProcesses(table: ProcessTable): Generator<void, ProcessIndex> {
  const byPid = new Map<number, ProcessStat>();
  const byParent = new Map<number, ProcessStat[]>();
  const bySession = new Map<number, ProcessStat[]>();
  const zombieTicks = new Map<number, number>();
  for (const stat of yield* readTable(table)) {
    const { pid, parentPid, cpuTicks, reapedTicks } = stat;
    if (!isRunning(stat)) {
      zombieTicks.set(parentPid, (zombieTicks.get(parentPid) ?? 0) + cpuTicks + reapedTicks);
      continue;
    }
    byPid.set(pid, stat);
    addTo(byParent, parentPid, stat);
    addTo(bySession, stat.sessionId, stat);
  }
  return { byPid, byParent, bySession, zombieTicks };
}

/**
 * Each process once. One that was read before its parent may have ended in between, and its parent have waited for it: then it
 * counts there.
 */
function* readTable(table: ProcessTable): Generator<void, readonly ProcessStat[]> {
  const read = new Map<number, ProcessStat>();
  const early: ProcessStat[] = [];
  for (const [at, pid] of table.pids().entries()) {
    if (at % PROCESSES_PER_SLICE === 0) yield;
    const stat = table.stat(pid);
    if (stat === null) continue;
    if (!read.has(stat.parentPid)) early.push(stat);
    read.set(pid, stat);
  }
  let again = 0;
  for (const { pid, parentPid, startTicks } of early) {
    if (!read.has(parentPid)) continue;
    if (again++ % PROCESSES_PER_SLICE === 0) yield;
    if (table.stat(pid)?.startTicks !== startTicks) read.delete(pid);
  }
  return [...read.values()];
}

function addTo(groups: Map<number, ProcessStat[]>, key: number, stat: ProcessStat): void {
  const group = groups.get(key);
  if (group) group.push(stat);
  else groups.set(key, [stat]);
}

/** The root first; empty where it has ended. */
function membersOf({ byPid, byParent, bySession }: ProcessIndex, rootPid: number): readonly ProcessStat[] {
  const root = byPid.get(rootPid);
  if (!root) return [];
  // What lost its parent is init's child, and still in the session.
  const members = new Set([root, ...(bySession.get(rootPid) ?? [])]);
  for (const member of members) for (const child of byParent.get(member.pid) ?? []) members.add(child);
  return [...members];
}

/**
 * A stopped root can do nothing for itself; a shell that waits for what is stopped can't either. What a debugger holds
 * stands still because somebody looks at it.
 */
function judge(
  members: readonly ProcessStat[],
  { used, known }: { readonly used: Tree; readonly known: Tree | undefined },
): ProcessActivity {
  if (members[0]?.state === STOPPED) return 'stopped';
  const moved = known !== undefined && members.some(({ pid }) => hasMoved(used.get(pid), known.get(pid)));
  if (moved || members.some(({ state }) => state === RUNNABLE)) return 'active';
  if (members.some(({ state }) => state === TRACED)) return 'traced';
  return members.some(({ state }) => state === STOPPED) ? 'stopped' : 'idle';
}

function hasMoved(now: Used | undefined, before: Used | undefined): boolean {
  return (
    now?.startTicks !== before?.startTicks ||
    now?.cpuTicks !== before?.cpuTicks ||
    // Another user's can't be read.
    (now?.ioBytes !== before?.ioBytes && now?.ioBytes !== null && before?.ioBytes !== null)
  );
}
